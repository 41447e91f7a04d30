import { z } from 'zod';
import { definitionModeOf } from './definitions.ts';
import { activationOf, withValues } from './expression.ts';
import type { Companion } from './offers.ts';
import type { Policy } from './policy.ts';
import type { ApproverGroup, HoldVerdict, PolicyInput, Quorum, Verdict } from './verdict.ts';

const any = (words: string) => z.unknown().optional().describe(words);

/** On what terms a case must be held; each as policy writes it, durations in their shortest form (`1h30m`). */
export const expectedTerms = z.strictObject({
  quorum: any('`{ together: 2 }`, or `{ all: { dba: 1, security: 2 } }`, or `any` likewise.'),
  groups: any('The approver groups that are asked from the start, by name, with what is written of them.'),
  timeout: any('How long people have.'),
  reminders: any('When people are reminded.'),
  escalation: any('The stages, each with its groups as a list.'),
  extension: any('`by` and `times`.'),
  stepUp: any('`login` or `passkey`.'),
  onSlackOutage: any('`continue`, `freeze` or `deny`.'),
  onDisconnect: any('`keep`, `cancel` or `run`.'),
  askIntent: any('Whether the agent must say what the call is for.'),
  grants: any('What may be released beside the call.'),
  preview: any('The companion call, its arguments evaluated for this call.'),
  precondition: any('The same, with `holds` as it is written.'),
  readBack: any('The companion call, its arguments evaluated for this call.'),
  definitions: any('What happens to definitions of the call’s connection.'),
  definitionApprovers: any('Names of the groups that may accept a definition.'),
});

/** A further call of the same tool, and whether a grant that is given with the case’s call covers it. */
export const furtherCall = z.strictObject({
  args: z.unknown().describe('Its arguments.'),
  covered: z.boolean().describe('Whether it runs under the grant.'),
});

/** The terms on which policy answers a call, in the words of {@link expectedTerms}; null stands for none. */
export function termsOf(
  policy: Policy,
  verdict: Verdict,
  input: PolicyInput,
): Readonly<Record<string, unknown>> {
  const { definitions } = policy;
  const always = {
    askIntent: verdict.kind === 'deny' ? null : verdict.askIntent,
    definitions: definitionModeOf(definitions, input.call.connection),
    definitionApprovers: definitions.approvers.map(({ name }) => name),
  };
  return verdict.kind === 'hold' ? { ...always, ...heldTerms(verdict, input) } : always;
}

function heldTerms(verdict: HoldVerdict, input: PolicyInput): Readonly<Record<string, unknown>> {
  const { grants, preview, precondition, readBack } = verdict.offers;
  const { extension, escalation } = verdict;
  return {
    quorum: quorumWords(verdict.quorum),
    groups: Object.fromEntries(verdict.approvers.map((group) => [group.name, written(group)])),
    timeout: durationText(verdict.timeoutMs),
    reminders: verdict.remindersMs.map(durationText),
    escalation: escalation.map(({ afterMs, to }) => ({
      after: durationText(afterMs),
      to: to.map(({ name }) => name),
    })),
    extension: extension && { by: durationText(extension.byMs), times: extension.times },
    stepUp: verdict.stepUp ?? null,
    onSlackOutage: verdict.onSlackOutage,
    onDisconnect: verdict.onDisconnect,
    grants: grants && {
      calls: grants.calls,
      for: durationText(grants.forMs),
      scope: grants.scope,
      where: grants.where.map(({ text }) => text),
    },
    preview: preview && companionCall(preview, input),
    precondition: precondition && { ...companionCall(precondition, input), holds: precondition.holds.text },
    readBack: readBack && companionCall(readBack, input),
  };
}

/** Whether a grant that is given with a call covers a further one with these arguments. */
export function isCovered(verdict: Verdict, input: PolicyInput, args: unknown): boolean {
  const grants = verdict.kind === 'hold' ? verdict.offers.grants : null;
  if (!grants) return false;
  const further = activationOf({ ...input, call: { ...input.call, args } });
  const activation = withValues(further, { approved: { args: input.call.args } });
  return grants.where.every((predicate) => predicate.evaluate(activation) === true);
}

function companionCall(
  { tool, args, timeoutMs }: Companion,
  input: PolicyInput,
): Readonly<Record<string, unknown>> {
  const activation = activationOf(input);
  const evaluated = Object.entries(args).map(([name, formula]) => {
    const answer = formula.evaluate(activation);
    return [name, 'value' in answer ? answer.value : `(cannot be evaluated: ${answer.failed})`];
  });
  return { tool, args: Object.fromEntries(evaluated), timeout: durationText(timeoutMs) };
}

function quorumWords(quorum: Quorum): Readonly<Record<string, unknown>> {
  return quorum.kind === 'together'
    ? { together: quorum.approvals }
    : { [quorum.kind]: Object.fromEntries(quorum.needs.map(({ group, approvals }) => [group, approvals])) };
}

/** A group without its name, and without what it does not say. */
function written(group: ApproverGroup): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(group).filter(
      ([key, value]) =>
        key !== 'name' && value !== null && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** The shortest way in which policy writes a duration. */
export function durationText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ];
  let left = ms;
  return units
    .map(([unit, size]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count === 0 ? '' : `${count}${unit}`;
    })
    .join('');
}
