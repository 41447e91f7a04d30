import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiDocument } from '../../console/api/openapi.ts';
import { programVersion } from '../version.ts';
import { jsonSchemas } from './json-schemas.ts';
import { settingsReference } from './reference.ts';

const docs = join(import.meta.dirname, '../../docs');
const marker = '<!-- made from the program by `node cli/config/generate-docs.ts`; do not edit below -->\n';

/**
 * Everything under docs/ that is made from what the program checks with, by file name relative to docs/.
 * `node cli/config/generate-docs.ts` writes it; a test says when that is due.
 */
export async function generatedDocs(): Promise<Readonly<Record<string, string>>> {
  const schemas = Object.entries(jsonSchemas()).map(([name, text]) => [`schemas/${name}`, text]);
  const configuration = await readFile(join(docs, 'configuration.md'), 'utf8');
  const [written = ''] = configuration.split(marker);
  return {
    ...(Object.fromEntries(schemas) as Record<string, string>),
    'openapi.json': `${JSON.stringify(openApiDocument(programVersion()), null, 2)}\n`,
    'configuration.md': `${written}${marker}\n${settingsReference()}`,
  };
}

if (import.meta.main)
  for (const [name, text] of Object.entries(await generatedDocs())) await writeFile(join(docs, name), text);
