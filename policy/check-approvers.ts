import { parseDuration } from './durations.ts';
import type { HoldTerms } from './hold-schema.ts';
import { askedGroups, groupsOf, quorumOf, timeoutOf } from './hold-terms.ts';
import type { Problem } from './problems.ts';
import type { PolicyFile } from './schema.ts';
import { orRather } from './suggest.ts';

type Path = readonly (string | number)[];
type Group = NonNullable<PolicyFile['approvers']>[string];

/** What is wrong with the approver groups themselves. */
export function checkGroups(policy: PolicyFile, slackConfigured: boolean | null): readonly Problem[] {
  return Object.entries(policy.approvers ?? {}).flatMap(([name, group]) => {
    const path = ['approvers', name];
    return [
      ...(group.people ?? []).flatMap((person, index) => {
        const message = personProblem(person);
        return message === null ? [] : [{ path: [...path, 'people', index], message }];
      }),
      ...(slackConfigured === false ? withoutSlack(group, path) : []),
      ...channelProblems(group, path),
      ...(hasMembers(group)
        ? []
        : [
            {
              path,
              message:
                'nobody belongs to this group, so nobody could ever decide; name `people`, `groups` or a `slackUserGroup` (a channel gives no right to decide without `channelMembers`)',
            },
          ]),
    ];
  });
}

function hasMembers({ people = [], groups = [], slackUserGroup, channelMembers }: Group): boolean {
  return people.length > 0 || groups.length > 0 || slackUserGroup !== undefined || channelMembers === true;
}

function channelProblems({ slackChannel, fallbackChannel, channelMembers }: Group, path: Path): Problem[] {
  const problems: Problem[] = [];
  if (channelMembers && slackChannel === undefined)
    problems.push({
      path: [...path, 'channelMembers'],
      message: 'there is no `slackChannel` to be a member of',
    });
  if (fallbackChannel !== undefined && (slackChannel === undefined || slackChannel === fallbackChannel))
    problems.push({
      path: [...path, 'fallbackChannel'],
      message: 'takes the place of `slackChannel`, which must be there and another one',
    });
  return problems;
}

function withoutSlack({ slackChannel, slackUserGroup, people = [] }: Group, path: Path): Problem[] {
  const key = slackChannel === undefined ? 'slackUserGroup' : 'slackChannel';
  return [
    ...((slackChannel ?? slackUserGroup)
      ? [
          {
            path: [...path, key],
            message: 'Slack is not configured; set `slack` in holdpoint.yaml or remove this',
          },
        ]
      : []),
    ...people.flatMap((person, index) =>
      person.startsWith('slack:')
        ? [
            {
              path: [...path, 'people', index],
              message: 'nobody can be reached through Slack: it is not configured',
            },
          ]
        : [],
    ),
  ];
}

function personProblem(person: string): string | null {
  if (person.startsWith('slack:') && !/^slack:[TE][A-Z0-9_]+\/[UW][A-Z0-9_]+$/.test(person))
    return 'must be `slack:TEAM/USER` with Slack ids, such as `slack:T0ACME/U0ALICE`';
  return person.includes('@') && !/^[^\s@]+@[^\s@]+$/.test(person) ? 'is not an e-mail address' : null;
}

/** What is wrong with the terms of a hold: groups that are not there, counts nobody can reach, times out of order. */
export function checkHold(policy: PolicyFile, terms: HoldTerms, path: Path): readonly Problem[] {
  const groups = policy.approvers ?? {};
  const unknown = namedIn(terms, path).flatMap(({ name, at }) =>
    Object.hasOwn(groups, name)
      ? []
      : [
          {
            path: at,
            message: `there is no approver group \`${name}\` under \`approvers\`${orRather(name, Object.keys(groups))}`,
          },
        ],
  );
  if (unknown.length > 0) return unknown;
  return [
    ...checkCounts(groups, terms, path),
    ...checkTimes(terms, path),
    ...checkOutage(groups, terms, path),
  ];
}

/** Every group that the terms name, and where. */
function namedIn({ approvers, escalation = [] }: HoldTerms, path: Path): { name: string; at: Path }[] {
  const key = Array.isArray(approvers) ? [] : ['any' in approvers ? 'any' : 'all'];
  const list = Array.isArray(approvers) ? approvers : 'any' in approvers ? approvers.any : approvers.all;
  return [
    ...list.map((need, index) => {
      const at = [...path, 'approvers', ...key, index];
      return typeof need === 'string' ? { name: need, at } : { name: need.group, at: [...at, 'group'] };
    }),
    ...escalation.flatMap(({ to }, stage) =>
      [to].flat().map((name, index) => ({
        name,
        at: [...path, 'escalation', stage, 'to', ...(Array.isArray(to) ? [index] : [])],
      })),
    ),
  ];
}

/** How many people a group can have at most; null when only a directory or Slack knows. */
function sizeOf({ people = [], groups, slackUserGroup, channelMembers }: Group): number | null {
  const open = groups !== undefined || slackUserGroup !== undefined || channelMembers === true;
  return open ? null : new Set(people.map((person) => person.toLowerCase())).size;
}

function checkCounts(
  groups: Readonly<Record<string, Group>>,
  terms: HoldTerms,
  path: Path,
): readonly Problem[] {
  const at = [...path, 'approvals'];
  const quorum = quorumOf(terms);
  const names = askedGroups(terms);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    return [{ path: [...path, 'approvers'], message: `names the group \`${twice}\` twice` }];
  if (quorum.kind === 'together') {
    const named = names.flatMap((name) => groups[name] ?? []);
    const open = named.some((group) => sizeOf(group) === null);
    const people = new Set(named.flatMap(({ people = [] }) => people.map((person) => person.toLowerCase())));
    if (open || people.size >= quorum.approvals || people.size === 0) return [];
    return [
      {
        path: at,
        message: `asks for ${quorum.approvals} people, but the groups have only ${people.size}; name more people or ask for fewer`,
      },
    ];
  }
  if (terms.approvals !== undefined)
    return [
      {
        path: at,
        message: `goes with a list of approvers; with \`${quorum.kind}\` each group has its own: \`{ group: ${names[0]}, approvals: 2 }\``,
      },
    ];
  const together = quorum.kind === 'all' ? subsets(quorum.needs) : quorum.needs.map((need) => [need]);
  const short = together.flatMap((needs) => {
    const people = needs.flatMap(({ group }) =>
      sizeOf(groups[group] ?? {}) === null ? [null] : (groups[group]?.people ?? []),
    );
    if (people.length === 0 || people.includes(null)) return [];
    const size = new Set(people.map((person) => person?.toLowerCase())).size;
    const asked = needs.reduce((sum, { approvals }) => sum + approvals, 0);
    const who = needs.map(({ group }) => `\`${group}\``).join(' and ');
    return size >= asked
      ? []
      : [
          `asks for ${asked} people of ${who}, which ${needs.length > 1 ? 'together have' : 'has'} only ${size}; name more people or ask for fewer`,
        ];
  });
  return short.slice(0, 1).map((message) => ({ path: [...path, 'approvers'], message }));
}

/** Every selection of at least one, small ones first: one person fills one place only, so each must have enough. */
function subsets<T>(all: readonly T[]): T[][] {
  return all
    .slice(0, 10)
    .reduce<T[][]>((found, item) => [...found, ...found.map((some) => [...some, item])], [[]])
    .filter((some) => some.length > 0)
    .sort((a, b) => a.length - b.length);
}

function checkTimes(terms: HoldTerms, path: Path): readonly Problem[] {
  const timeoutMs = timeoutOf(terms);
  const { escalation = [], reminders = [], extension } = terms;
  const latestMs = timeoutMs + (extension ? (parseDuration(extension.by) ?? 0) * (extension.times ?? 1) : 0);
  const late = (text: string): boolean => (parseDuration(text) ?? 0) >= latestMs;
  const asked = askedGroups(terms);
  return [
    ...reminders.flatMap((after, index) =>
      late(after)
        ? [{ path: [...path, 'reminders', index], message: 'comes after the request has expired: never' }]
        : [],
    ),
    ...escalation.flatMap(({ after, to }, index) => [
      ...(late(after)
        ? [
            {
              path: [...path, 'escalation', index, 'after'],
              message: 'comes after the request has expired: never',
            },
          ]
        : []),
      ...[to]
        .flat()
        .filter((name) => asked.includes(name))
        .map((name) => ({
          path: [...path, 'escalation', index, 'to'],
          message: `\`${name}\` is asked from the start; name a group that can join`,
        })),
    ]),
  ];
}

/** Slack being away is no matter of those whom Slack does not tell. */
function checkOutage(
  groups: Readonly<Record<string, Group>>,
  terms: HoldTerms,
  path: Path,
): readonly Problem[] {
  if (terms.onSlackOutage === undefined || terms.onSlackOutage === 'continue') return [];
  const told = groupsOf(terms).some((name) => {
    const group = groups[name];
    return (
      group?.slackChannel !== undefined ||
      group?.slackUserGroup !== undefined ||
      group?.people?.some((person) => person.startsWith('slack:') || person.includes('@'))
    );
  });
  if (told) return [];
  return [
    {
      path: [...path, 'onSlackOutage'],
      message: 'none of the groups is told in Slack; remove it or give a group its `slackChannel`',
    },
  ];
}
