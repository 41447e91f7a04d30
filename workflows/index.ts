export { approval } from './approval.ts';
