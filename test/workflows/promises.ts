import assert from 'node:assert/strict';
import type { DecideAnswer } from '../../workflows/client.ts';
import type { Decision, Person } from '../../workflows/contract.ts';
import { lacking } from '../../workflows/quorum.ts';
import { people, quorumOf, type Scenario, type Who } from './scenario.ts';

/** What was seen of one scenario. */
export interface Seen {
  readonly scenario: Scenario;
  readonly answers: readonly { who: Who; click: number; decision: Decision; answer: DecideAnswer | null }[];
  /** Forged votes that were not refused. */
  readonly forgeriesAccepted: number;
  readonly timesSent: number;
  /** States of the row, in order, as the database saw them. */
  readonly states: readonly string[];
  readonly claimedWhileFrozen: boolean;
  /** Whether the stage's groups have joined. */
  readonly escalated: boolean;
  /** How many extensions counted; infinitely many when the deadline is beyond what policy allows. */
  readonly extended: number;
  readonly votes: readonly { person: Person; decision: Decision }[];
  readonly sealedRequestLeft: boolean;
}

const ends = ['succeeded', 'failed', 'unknown', 'denied', 'expired', 'cancelled', 'aborted'];

/** Throws when any promise of DESIGN section 2 that a held call makes was broken. */
export function checkPromises(seen: Seen): void {
  atMostOnce(seen);
  onlyApprovedRuns(seen);
  endsOnce(seen);
  withinPolicy(seen);
  answersAreTrue(seen);
}

function atMostOnce({ timesSent, states }: Seen): void {
  assert.ok(timesSent <= 1, `sent ${timesSent} times`);
  if (timesSent === 0) assert.ok(!states.includes('succeeded'), 'succeeded without having been sent');
}

function onlyApprovedRuns({ scenario, timesSent, votes, forgeriesAccepted, escalated }: Seen): void {
  assert.equal(forgeriesAccepted, 0, 'a forged vote was accepted');
  for (const { person } of votes) {
    assert.ok(
      !person.keys.some((key) => people.requester.keys.includes(key as never)),
      'the requester voted',
    );
    assert.ok(!person.keys.some((key) => people.outsider.keys.includes(key as never)), 'an outsider voted');
  }
  const approving = votes.filter(({ decision }) => decision === 'approve').map(({ person }) => person);
  for (const [index, person] of approving.entries())
    for (const other of approving.slice(index + 1))
      assert.ok(!person.keys.some((key) => other.keys.includes(key)), `${person.name} counts twice`);
  if (timesSent === 0) return;
  const approvals = approving.map(({ name }) => ({ groups: groupsOf(name) }));
  assert.ok(lacking(quorumOf(scenario), approvals, escalated ? ['leads'] : []).met, 'sent without a quorum');
  assert.ok(
    votes.every(({ decision }) => decision === 'approve'),
    'sent although somebody had denied it',
  );
}

function endsOnce({ states, sealedRequestLeft }: Seen): void {
  const terminal = states.filter((state) => ends.includes(state));
  assert.equal(terminal.length, 1, `states ${states.join(' → ')}`);
  assert.equal(states.at(-1), terminal[0], `states ${states.join(' → ')}`);
  const allowed = ['executing succeeded', 'executing failed', 'executing unknown', 'pending executing'];
  for (const end of ['denied', 'expired', 'cancelled', 'aborted']) allowed.push(`pending ${end}`);
  for (const [index, state] of states.entries())
    if (index > 0)
      assert.ok(allowed.includes(`${states[index - 1]} ${state}`), `states ${states.join(' → ')}`);
  assert.equal(sealedRequestLeft, false, 'the sealed request outlived its call');
}

function withinPolicy({ scenario, votes, claimedWhileFrozen, escalated, extended }: Seen): void {
  assert.equal(claimedWhileFrozen, false, 'claimed while the kill switch was on');
  assert.ok(extended <= scenario.extensions, `extended ${extended} times`);
  if (scenario.needed === 'one of each' || escalated) return;
  for (const { person } of votes)
    assert.ok(groupsOf(person.name).includes('dba'), `${person.name} decided without having been asked`);
}

function groupsOf(name: string): readonly string[] {
  return Object.values(people).find((person) => person.name === name)?.groups ?? [];
}

function answersAreTrue({ scenario, answers, states, votes }: Seen): void {
  const stopped = scenario.moments.flat().some((step) => step.do === 'terminate' || step.do === 'reset');
  const byClick = new Map<string, Set<number>>();
  for (const { who, click, decision, answer } of answers) {
    if (answer?.kind !== 'counted') continue;
    assert.ok(who !== 'requester' && who !== 'outsider', `${who} was told that the vote counted`);
    const key = `${who} ${click} ${decision}`;
    byClick.set(key, (byClick.get(key) ?? new Set()).add(answer.status.votes.length));
    if (stopped) continue;
    assert.ok(
      votes.some(({ person, decision: stored }) => person.name === people[who].name && stored === decision),
      `${who} was told that the vote counted, but the row does not have it`,
    );
    if (answer.status.outcome === 'denied') assert.equal(states.at(-1), 'denied');
    if (answer.status.outcome === 'approved') assert.notEqual(states.at(-1), 'denied');
  }
  // A click that is delivered again is told the same.
  if (!stopped) for (const [click, told] of byClick) assert.equal(told.size, 1, `${click} was counted twice`);
}
