import { writeFile } from 'node:fs/promises';
import { testDatabase } from './postgres.ts';
import { schemaText } from './schema-text.ts';

await using db = await testDatabase();
await writeFile(new URL('../../db/schema.sql', import.meta.url), await schemaText(db.pool));
