import type { CardRequest } from '../../slack-app/request.ts';
import {
  beyondOne,
  contextSaying,
  everyState,
  hostileBeyond,
  hostileTexts,
  plainRequest,
} from './samples.ts';

type Several = readonly [CardRequest, ...CardRequest[]];

const named = (request: CardRequest, nth: number): CardRequest => ({
  ...request,
  callId: `${plainRequest.callId.slice(0, -2)}${String(nth).padStart(2, '0')}`,
  approvalsNeeded: 1,
  quorum: { kind: 'together', approvals: 1 },
});

function several(first: CardRequest, ...others: readonly CardRequest[]): Several {
  return [named(first, 1), ...others.map((other, index) => named(other, index + 2))];
}

const asking = (sql: string): CardRequest => ({ ...plainRequest, shownArgs: JSON.stringify({ sql }) });
const { succeeded = plainRequest, denied = plainRequest, unknown = plainRequest } = everyState;
const { 'helps-to-decide': helped = plainRequest, 'grant-open': granted = plainRequest } = beyondOne;
const { 'outcome-open': judged = plainRequest } = beyondOne;

/** Several similar calls as one card shows them: waiting, decided, and everything between. */
export const batches: Readonly<Record<string, Several>> = {
  'batch-waiting': several(
    asking('DELETE FROM sessions WHERE user_id = 4711'),
    asking('DELETE FROM sessions WHERE user_id = 4712'),
    asking('DELETE FROM sessions WHERE user_id = 4713'),
  ),
  'batch-partly-decided': several(
    asking('DELETE FROM sessions WHERE user_id = 4711'),
    { ...succeeded, shownArgs: asking('DELETE FROM sessions WHERE user_id = 4712').shownArgs },
    { ...denied, shownArgs: asking('DELETE FROM sessions').shownArgs },
    asking('DELETE FROM sessions WHERE user_id = 4714'),
  ),
  'batch-over': several(succeeded, denied, unknown),
  'batch-beyond': several(judged, granted, { ...helped, extension: { byMs: 1_800_000, left: 1 } }),
  'batch-critical': several({ ...plainRequest, risk: 'critical' }, { ...plainRequest, risk: 'critical' }),
  'batch-step-up': several({ ...plainRequest, stepUp: 'passkey' }, { ...plainRequest, stepUp: 'passkey' }),
  'batch-of-nothing': several({ ...plainRequest, shownArgs: '' }, { ...plainRequest, shownArgs: '{}' }),
};

/** The same with extreme sizes and with every text from somebody hostile. */
export function* extremeBatches(): Generator<readonly [string, Several]> {
  for (const size of [0, 3000, 30_000, 1_000_000])
    for (const count of [2, 6, 10]) {
      const call = asking('x'.repeat(size));
      yield [`batch-${count}-of-${size}`, several(call, ...Array.from({ length: count - 1 }, () => call))];
      const ended = { ...unknown, ...judged, shownArgs: call.shownArgs, intent: 'i'.repeat(size) };
      yield [`ended-${count}-of-${size}`, several(ended, ...Array.from({ length: count - 1 }, () => ended))];
    }
  for (const [name, text] of Object.entries(hostileTexts)) {
    const said = {
      tool: text,
      connection: text,
      subject: text,
      client: text,
      rule: text,
      reason: text,
      intent: text,
      shownArgs: JSON.stringify({ [text]: text }),
      context: contextSaying(text),
      votes: [
        { name: text, decision: 'approve' as const, reason: text, via: text, atMs: plainRequest.createdAtMs },
      ],
      extensions: [{ name: text, byMs: 60_000, atMs: plainRequest.createdAtMs }],
      extension: { byMs: 60_000, left: 2 },
      approverGroups: [{ name: text, slackUserGroup: text }],
    };
    const waiting = { ...plainRequest, ...said, quorum: plainRequest.quorum };
    yield [`hostile-batch-${name}`, several(waiting, waiting, ...Object.values(hostileBeyond(text)))];
  }
}
