// Writes the table of docs/reliability.md: `node test/walk/write-table.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from './expected.ts';

const file = 'docs/reliability.md';
writeFileSync(file, withTable(readFileSync(file, 'utf8')));
