import { parseDuration } from './durations.ts';
import type { ApproverGroupFile, HoldTerms } from './hold-schema.ts';
import type { Offers } from './offers.ts';
import type { HoldEnding } from './policy.ts';
import type { ApproverGroup, GroupNeed, Quorum } from './verdict.ts';

/** How long people have when a rule does not say. */
const defaultTimeoutMs = 30 * 60_000;

/** The terms of a hold with every default filled in. What they name has been checked. */
export function holdEnding(
  terms: HoldTerms,
  groups: ReadonlyMap<string, ApproverGroup>,
  offers: Offers,
): HoldEnding {
  const timeoutMs = timeoutOf(terms);
  const quorum = quorumOf(terms);
  const named = (names: readonly string[]): ApproverGroup[] =>
    [...new Set(names)].flatMap((name) => groups.get(name) ?? []);
  return {
    kind: 'hold',
    approvers: named(askedGroups(terms)),
    approvalsNeeded: fewestPeople(quorum),
    quorum,
    timeoutMs,
    remindersMs: terms.reminders?.map(ms).sort((a, b) => a - b) ?? defaultReminders(timeoutMs),
    escalation: (terms.escalation ?? [])
      .map(({ after, to }) => ({ afterMs: ms(after), to: named([to].flat()) }))
      .sort((a, b) => a.afterMs - b.afterMs),
    extension: terms.extension ? { byMs: ms(terms.extension.by), times: terms.extension.times ?? 1 } : null,
    onSlackOutage: terms.onSlackOutage ?? 'continue',
    stepUp: terms.stepUp ?? null,
    onDisconnect: terms.onDisconnect ?? 'keep',
    offers,
  };
}

/** An approver group with what was left out as null or empty. */
export function groupOf(name: string, group: ApproverGroupFile): ApproverGroup {
  const { slackChannel = null, fallbackChannel = null, slackUserGroup = null } = group;
  const { people = [], groups = [], channelMembers = false } = group;
  return { name, slackChannel, fallbackChannel, channelMembers, slackUserGroup, people, groups };
}

/** The groups that are asked from the start, as they are written. */
export function askedGroups({ approvers }: HoldTerms): readonly string[] {
  return Array.isArray(approvers) ? approvers : needsOf(approvers).map(({ group }) => group);
}

/** All groups that are ever asked, escalation included. */
export function groupsOf(terms: HoldTerms): readonly string[] {
  return [...askedGroups(terms), ...(terms.escalation ?? []).flatMap(({ to }) => to)];
}

/** How long people have, without extensions. */
export function timeoutOf({ timeout }: HoldTerms): number {
  return timeout === undefined ? defaultTimeoutMs : ms(timeout);
}

/** Which approvals release the call. */
export function quorumOf(terms: HoldTerms): Quorum {
  const { approvers } = terms;
  if (Array.isArray(approvers)) return { kind: 'together', approvals: terms.approvals ?? 1 };
  // Without counts of their own it does not matter whose the approvals are.
  const needs = needsOf(approvers);
  if ('any' in approvers && needs.every(({ approvals }) => approvals === 1))
    return { kind: 'together', approvals: terms.approvals ?? 1 };
  return { kind: 'any' in approvers ? 'any' : 'all', needs };
}

function needsOf(approvers: Exclude<HoldTerms['approvers'], unknown[]>): readonly GroupNeed[] {
  const written = 'any' in approvers ? approvers.any : approvers.all;
  return written.map((need) =>
    typeof need === 'string'
      ? { group: need, approvals: 1 }
      : { group: need.group, approvals: need.approvals ?? 1 },
  );
}

/** Once, after half the time; what lives for two minutes only is over before a reminder would help. */
function defaultReminders(timeoutMs: number): readonly number[] {
  return timeoutMs > 120_000 ? [Math.ceil(timeoutMs / 2)] : [];
}

/** The fewest distinct people who can meet a quorum. */
function fewestPeople(quorum: Quorum): number {
  if (quorum.kind === 'together') return quorum.approvals;
  const counts = quorum.needs.map(({ approvals }) => approvals);
  return quorum.kind === 'any' ? Math.min(...counts) : counts.reduce((sum, count) => sum + count, 0);
}

function ms(text: string): number {
  const parsed = parseDuration(text);
  if (parsed === null) throw new Error(`${text} was not checked to be a duration`);
  return parsed;
}
