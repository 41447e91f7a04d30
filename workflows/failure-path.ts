import { fileURLToPath } from 'node:url';

/** Where the failure converter is: the SDK loads it by path. */
export function failureConverterPath(): string {
  return fileURLToPath(new URL('./failure-converter.ts', import.meta.url));
}
