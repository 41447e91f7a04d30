import { z } from 'zod';

/** What several operations take or give. */
export const time = z.string().describe('ISO 8601, UTC.');
/** Printable text that PostgreSQL takes. */
export const words = (longest: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(longest)
    // oxlint-disable-next-line no-control-regex -- control characters are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$/);

export const none = z.strictObject({});
export const idParam = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\w.:-]+$/),
});
export const limit = z.coerce.number().int().min(1).max(500).default(50);
export const flag = z.enum(['true', 'false']).default('false');

/** `application/problem+json` (RFC 9457). */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
});

export const done = z.object({ done: z.boolean() });
/** What became of an act, and how to say it. */
export const told = z.object({ done: z.boolean(), text: z.string() });
/** The same over several lines. */
export const text = (longest: number): z.ZodString => z.string().min(1).max(longest).regex(printable);
const printable =
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*[^\u0000-\u0020\u007f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/;
export const reason = text(1000);
export const actor = z.object({ key: z.string(), name: z.string(), via: z.string() });
