import type { CardGrant } from '../../db/card-facts.ts';
import type { ShownGrant } from '../../db/grants.ts';
import type { CallContext } from '../../db/held-context.ts';
import type { ShownOffer } from '../../db/held-opening.ts';
import type { UnknownTask } from '../../db/unknown-tasks.ts';
import type { CardRequest, CardVote } from '../../slack-app/request.ts';

/** A request as it is when it has just been asked. */
export const plainRequest: CardRequest = {
  callId: '01JD7Y7Q2M9K4S8W3N5T6V7X8Z',
  digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  state: 'pending',
  connection: 'postgres',
  method: 'tools/call',
  tool: 'query',
  subject: 'carol@example.com',
  client: 'mcp:claude-code',
  actors: [],
  rule: 'writes',
  reason: 'Writing to production needs a second pair of eyes.',
  risk: 'high',
  intent: null,
  shownArgs:
    '{"sql":"UPDATE accounts\\nSET plan = \'free\'\\nWHERE last_seen < now() - interval \'2 years\'","dry_run":false,"limit":12345678901234567890}',
  approverGroups: [{ name: 'dba', slackUserGroup: 'S0DBA' }],
  approvalsNeeded: 2,
  quorum: { kind: 'together', approvals: 2 },
  joined: [],
  extension: null,
  extensions: [],
  clockStoppedAtMs: null,
  votes: [],
  sessionId: 'session-1',
  grantOffer: null,
  grant: null,
  context: null,
  task: null,
  createdAtMs: Date.UTC(2026, 10, 21, 10, 12),
  expiresAtMs: Date.UTC(2026, 10, 21, 10, 42),
  endedAtMs: null,
  endedBecause: null,
};

const approval = (name: string): CardVote => ({
  name,
  decision: 'approve',
  reason: null,
  via: 'slack',
  atMs: Date.UTC(2026, 10, 21, 10, 14),
});
const denial: CardVote = {
  ...approval('Alice Example'),
  decision: 'deny',
  reason: 'Too many rows at once. Please do at most 100 at a time.',
};
const both = [approval('Alice Example'), approval('Bob Example')];
const endedAtMs = Date.UTC(2026, 10, 21, 10, 15);

/** A request in every state a card can show. */
export const everyState: Readonly<Record<string, CardRequest>> = {
  pending: plainRequest,
  'one-of-two': { ...plainRequest, votes: [approval('Alice Example')] },
  'approved-waiting': { ...plainRequest, votes: both },
  executing: { ...plainRequest, state: 'executing', votes: both },
  succeeded: { ...plainRequest, state: 'succeeded', votes: both, endedAtMs, endedBecause: 'UPDATE 42' },
  failed: {
    ...plainRequest,
    state: 'failed',
    votes: both,
    endedAtMs,
    endedBecause: 'ERROR: canceling statement due to statement timeout',
  },
  unknown: {
    ...plainRequest,
    state: 'unknown',
    votes: both,
    endedAtMs,
    endedBecause: 'The upstream server closed the connection before it answered.',
  },
  denied: { ...plainRequest, state: 'denied', votes: [denial], endedAtMs },
  expired: { ...plainRequest, state: 'expired', votes: [approval('Alice Example')], endedAtMs },
  cancelled: {
    ...plainRequest,
    state: 'cancelled',
    endedAtMs,
    endedBecause: 'The client cancelled its request.',
  },
  aborted: {
    ...plainRequest,
    state: 'aborted',
    endedAtMs,
    endedBecause: 'The workflow service did not answer.',
  },
};

const controls = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join('');

/** Text that tries to be more than text. */
export const hostileTexts: Readonly<Record<string, string>> = {
  empty: '',
  mentions: '<!channel> <!here> <@U0ALICE> <#C0DBA> <!subteam^S0DBA> @channel @here',
  links: '<https://evil.example|click to approve> [approve](https://evil.example) https://evil.example',
  mrkdwn: '*bold* _it_ ~no~ `code` ```\n``` > quote\n• list :white_check_mark: &lt;!channel&gt; &amp;',
  bidi: 'safe\u202Etxt.exe\u202C \u2066hidden\u2069 \u200Bzero\u200Dwidth\uFEFF \u00ADsoft',
  controls,
  separators: 'a\u2028b\u2029c\u0085d\u00A0e\u3000f\u2800g\u3164h',
  tags: `x${String.fromCodePoint(0xe0001, 0xe0069, 0xe0067)}y\u{e0100}z`,
  stacked: `z${'\u0300'.repeat(200)}`,
  surrogate: 'half \uD83D of one',
  entities: '&<>'.repeat(400),
};

const sizes = [0, 1, 2900, 3000, 3001, 8000, 12_000, 30_000, 1_000_000];

/** Arguments of every size and kind that matters. */
export function extremeArguments(): Readonly<Record<string, string>> {
  const out: Record<string, string> = { none: '', object: '{}', array: '[]', broken: '{"a":"unfinished' };
  for (const size of sizes) {
    out[`ascii-${size}`] = JSON.stringify({ text: 'x'.repeat(size) });
    out[`emoji-${size}`] = JSON.stringify({ text: '🔥'.repeat(size / 2) });
    out[`ampersands-${size}`] = JSON.stringify({ text: '&<'.repeat(size / 2) });
    out[`members-${size}`] = JSON.stringify(
      Object.fromEntries(Array.from({ length: size / 10 }, (_, i) => [`k${i}`, i])),
    );
  }
  out['deep'] = `${'['.repeat(2000)}${']'.repeat(2000)}`;
  for (const [name, text] of Object.entries(hostileTexts)) {
    out[`hostile-${name}`] = JSON.stringify({ [text]: text });
    out[`raw-${name}`] = `{"sql":"${text}"}`;
  }
  return out;
}

/** What an approver may release in the samples. */
export const sampleOffer: ShownOffer = {
  calls: 20,
  forMs: 1_800_000,
  scope: 'session',
  where: ['call.args.env == "staging"', 'call.args.table == approved.args.table'],
};

/** What helps to decide, with every text the same. */
export function contextSaying(text: string): CallContext {
  const changes = { list: [{ path: text, before: text, after: text }], more: 3 };
  return {
    previous: { callId: 'hp_previous', atMs: plainRequest.createdAtMs - 600_000, changes },
    resubmits: { callId: 'hp_denied', by: text, reason: text, bounds: text, changes },
    unclear: { callId: 'hp_unclear', atMs: plainRequest.createdAtMs - 900_000 },
    history: { approved: 12, denied: 1, days: 30 },
    recent: [
      { tool: text, verdict: 'pass', atMs: plainRequest.createdAtMs },
      { tool: 'query', verdict: 'hold', atMs: plainRequest.createdAtMs },
    ],
    preview: { tool: text, ok: true, text, leftOut: 12 },
  };
}

const honestContext: CallContext = {
  ...contextSaying('explain'),
  unclear: null,
  resubmits: {
    callId: 'hp_denied',
    by: 'Alice Example',
    reason: 'Too many rows at once.',
    bounds: 'at most 100 rows',
    changes: { list: [{ path: 'limit', before: '10000', after: '100' }], more: 0 },
  },
  preview: {
    tool: 'explain',
    ok: true,
    text: 'Update on accounts  (cost=0.00..18.10 rows=42 width=46)\n  ->  Seq Scan on accounts',
    leftOut: 0,
  },
  recent: [
    { tool: 'list_tables', verdict: 'pass', atMs: plainRequest.createdAtMs },
    { tool: 'query', verdict: 'hold', atMs: plainRequest.createdAtMs },
  ],
};
const openGrant: CardGrant = {
  grantId: 'gr_7k3m9q',
  calls: 20,
  used: 3,
  expiresAtMs: Date.UTC(2026, 10, 21, 10, 44),
  revokedAtMs: null,
  revokedBy: null,
  open: true,
};
const openTask: UnknownTask = {
  callId: plainRequest.callId,
  openedAt: '2026-11-21T10:15:00Z',
  takenBy: 'Bob Example',
  readBack: 'done',
  shown: {
    tool: 'get_account',
    ok: true,
    text: '{"plan":"free","changed_at":"2026-11-21T10:14:58Z"}',
    leftOut: 0,
  },
  mark: null,
  reason: null,
  markedBy: null,
  markedAt: null,
};

/** What approvers see and do beyond one decision. */
export const beyondOne: Readonly<Record<string, CardRequest>> = {
  'helps-to-decide': { ...plainRequest, grantOffer: sampleOffer, context: honestContext },
  'grant-open': { ...plainRequest, state: 'succeeded', votes: both, endedAtMs, grant: openGrant },
  'grant-revoked': {
    ...plainRequest,
    state: 'succeeded',
    votes: both,
    endedAtMs,
    grant: { ...openGrant, open: false, revokedAtMs: endedAtMs, revokedBy: 'Bob Example' },
  },
  'outcome-open': { ...plainRequest, state: 'unknown', votes: both, endedAtMs, task: openTask },
  'outcome-marked': {
    ...plainRequest,
    state: 'unknown',
    votes: both,
    endedAtMs,
    task: {
      ...openTask,
      mark: 'happened',
      reason: 'The plan is free now.',
      markedBy: 'Bob Example',
      markedAt: '2026-11-21T10:20:00Z',
    },
  },
  'step-up': { ...plainRequest, stepUp: 'passkey', extension: { byMs: 1_800_000, left: 1 } },
};

/** The same with every text from somebody hostile. */
export function hostileBeyond(text: string): Readonly<Record<string, CardRequest>> {
  const shown = { tool: text, ok: true, text, leftOut: 0 };
  return {
    context: { ...plainRequest, grantOffer: { ...sampleOffer, where: [text] }, context: contextSaying(text) },
    'no-preview': {
      ...plainRequest,
      context: { ...contextSaying(text), preview: { ...shown, ok: false } },
    },
    revoked: {
      ...plainRequest,
      state: 'succeeded',
      grant: { ...openGrant, open: false, revokedAtMs: 1, revokedBy: text },
    },
    task: { ...plainRequest, state: 'unknown', task: { ...openTask, takenBy: text, shown } },
    'task-failed': {
      ...plainRequest,
      state: 'unknown',
      task: { ...openTask, shown: { ...shown, ok: false } },
    },
    marked: {
      ...plainRequest,
      state: 'unknown',
      task: {
        ...openTask,
        mark: 'did-not-happen',
        reason: text,
        markedBy: text,
        markedAt: '2026-11-21T10:20:00Z',
      },
    },
  };
}

/** A grant as lists show it. */
export function listedGrantSaying(text: string): ShownGrant {
  return {
    grantId: 'gr_7k3m9q',
    callId: plainRequest.callId,
    connection: text,
    tool: text,
    rule: text,
    subject: text,
    terms: { calls: 20, untilMs: endedAtMs, sessionId: null, where: [text] },
    calls: 20,
    used: 3,
    createdAt: new Date(endedAtMs),
    expiresAt: new Date(endedAtMs),
    revokedAt: null,
    revokedBy: null,
    givenBy: [text, text],
    approvers: [],
    open: true,
  };
}
