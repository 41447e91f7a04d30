import assert from 'node:assert/strict';
import { type GrantSeen, offeredCalls, type SeenCall } from './grant-play.ts';
import type { FurtherCall } from './grant-scenario.ts';

/** So far apart that it is certain on which side of a deadline something happened. */
const certainMs = 60;

/** Throws when any promise that a grant makes was broken. */
export function checkGrantPromises(seen: GrantSeen): void {
  givenAsOffered(seen);
  neverBeyond(seen);
  nothingElseRuns(seen);
  whatIsCoveredRuns(seen);
}

function givenAsOffered({ scenario, grant, approvedCallSent }: GrantSeen): void {
  const { voters, calls } = scenario;
  const approved = voters === 'one';
  assert.equal(approvedCallSent, approved ? 1 : 0, 'the approved call itself');
  const given = approved && calls <= offeredCalls;
  assert.equal(
    grant !== null,
    given,
    'a grant is given exactly when the votes suffice and offer what policy does',
  );
  if (grant) assert.equal(grant.calls, calls);
}

function neverBeyond({ grant, lateUses, calls }: GrantSeen): void {
  const sent = new Map(calls.map(({ n, timesSent }) => [n, timesSent]));
  const ran = [...sent.values()].reduce((sum, times) => sum + times, 0);
  if (!grant) return assert.equal(ran, 0, 'calls ran without a grant');
  assert.ok(grant.used <= grant.calls, `${grant.used} of ${grant.calls} used`);
  assert.deepEqual(
    grant.uses,
    Array.from({ length: grant.used }, (_, index) => index + 1),
    'uses are numbered without gaps',
  );
  assert.ok(ran <= grant.used, `${ran} calls ran, and ${grant.used} uses are written down`);
  assert.equal(lateUses, 0, 'a use after the grant was revoked or over');
}

function nothingElseRuns({ calls }: GrantSeen): void {
  for (const seen of calls) {
    const succeeded = seen.states.filter((state) => state === 'succeeded').length;
    const begun = seen.states.filter((state) => state === 'succeeded' || state === 'unknown').length;
    assert.ok(
      succeeded <= seen.timesSent && seen.timesSent <= begun,
      `call ${seen.n} was sent ${seen.timesSent} times: ${seen.states.join(', ')}`,
    );
    if (seen.timesSent > 0)
      assert.ok(
        isCovered(seen.call),
        `a call ran that the grant does not cover: ${JSON.stringify(seen.call)}`,
      );
  }
}

/** Where calls came one after the other, which ran by themselves is certain. */
function whatIsCoveredRuns({ scenario, grant, calls }: GrantSeen): void {
  if (!grant) return;
  let used = 0;
  let certain = true;
  let revoked = false;
  const { forMs, moments } = scenario;
  const made = new Set<number>();
  for (const moment of moments) {
    const here = calls.filter(
      ({ call, beside }) => moment.includes(call) && beside.every((one) => moment.includes(one)),
    );
    if (moment.some((step) => step.do === 'revoke')) revoked = true;
    if (moment.length !== 1 || moment[0]?.do === 'repeat') {
      certain &&= !moment.some((step) => step.do === 'call' || step.do === 'repeat');
      continue;
    }
    const [seen] = here;
    if (!seen || made.has(seen.n) || !certain) continue;
    made.add(seen.n);
    const open = openAt(seen, { forMs, revoked, left: grant.calls - used });
    if (open === null) return;
    assert.equal(seen.ranByItself, open && isCovered(seen.call), `call ${seen.n}: ${JSON.stringify(seen)}`);
    if (seen.ranByItself) used += 1;
  }
}

/** Whether the grant was open for a call; null when that cannot be told from outside. */
function openAt(
  { fromMs, untilMs }: SeenCall,
  { forMs, revoked, left }: { forMs: number; revoked: boolean; left: number },
): boolean | null {
  if (revoked || left <= 0) return false;
  if (untilMs < forMs - certainMs) return true;
  return fromMs > forMs + certainMs ? false : null;
}

function isCovered({ session, caller, env, table, definition, policy }: FurtherCall): boolean {
  return [session, caller, env, table, definition, policy].every((difference) => difference === 0);
}
