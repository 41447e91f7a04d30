import { z } from 'zod';
import { text } from './forms.ts';

const named = (what: string) =>
  z
    .strictObject({
      people: z.array(text).default([]).describe('E-mail addresses, OIDC subjects or stable keys.'),
      groups: z.array(text).default([]).describe('Directory groups.'),
    })
    .refine(
      ({ people, groups }) => people.length + groups.length > 0,
      'names nobody; name `people` or `groups`',
    )
    .optional()
    .describe(what);

/** The `roles` section. */
export const roles = z
  .strictObject({
    viewer: named('May see every approval request, the policy, and how things stand.'),
    approver: named('May decide where policy names them. Left out: policy alone says who decides.'),
    auditor: named('May also look at recordings and revocations. The same as `console.auditors`.'),
    operator: named(
      'May also revoke and lift, cancel requests, end tokens of others, and turn the kill switch.',
    ),
    owner: named('May do everything, including what cannot be taken back.'),
  })
  .prefault({})
  .describe(
    'Who is what on Holdpoint itself, where people log in. Without `console.login` whoever is at the console is the owner.',
  );
