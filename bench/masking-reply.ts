import { prefixRules } from '../masking/detect/vendor-tokens.ts';
import { readShape } from '../masking/rules/shape.ts';

/** A reply as tools give them: {@link toolRows} inside a text content. */
export function toolReply(bytes: number): string {
  const result = { content: [{ type: 'text', text: toolRows(bytes) }] };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, result });
}

/** Rows of JSON, with a secret about every 2 KB and personal data about every 700 B, long strings never twice. */
export function toolRows(bytes: number): string {
  const rows: unknown[] = [];
  const shapes = prefixRules.flatMap((rule) => rule.shapes);
  for (let i = 0, size = 0; size < bytes; i += 1) {
    const row: Record<string, unknown> = {
      id: 100_000 + i,
      title: `Ticket ${i}: deployment of service-${i % 17} to region eu-west-${i % 3}`,
      createdAt: `2026-03-${String((i % 28) + 1).padStart(2, '0')}T10:11:12.131Z`,
      body: `The rollout finished after two retries; see page ${i} for how to roll back if latency rises again.`,
      amount: i * 1.25,
      open: i % 2 === 0,
      ref: `550e8400-e29b-41d4-a716-${String(446655440000 + i)}`,
    };
    if (i % 3 === 1) row['reporter'] = `user${i}@example.com`;
    if (i % 8 === 3)
      row['note'] = `log: connected with ${readShape(shapes[i % shapes.length] ?? '').sample(i)} ok`;
    if (i % 11 === 5) row['phone'] = '+49 171 1234567';
    rows.push(row);
    size += JSON.stringify(row).length;
  }
  return JSON.stringify(rows);
}
