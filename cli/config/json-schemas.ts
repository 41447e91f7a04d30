import { z } from 'zod';
import { policySchema } from '../../policy/schema.ts';
import { casesSchema } from '../../policy/test-cases.ts';
import { configSchema } from './schema.ts';

/** The JSON Schemas for editors, by file name, made from what the program itself checks with. */
export function jsonSchemas(): Readonly<Record<string, string>> {
  return {
    'holdpoint.schema.json': render(configSchema, 'Holdpoint configuration (holdpoint.yaml)'),
    'policy.schema.json': render(policySchema, 'Holdpoint policy (policy.yaml)'),
    'policy-cases.schema.json': render(casesSchema, 'Holdpoint policy test cases'),
  };
}

function render(schema: z.ZodType, title: string): string {
  const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input', reused: 'inline' });
  return `${JSON.stringify({ $schema, title, ...body }, null, 2)}\n`;
}
