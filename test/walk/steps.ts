/** Who runs the step at which everything stands still. */
export type Role = 'gateway' | 'worker' | 'slack';

/** Where something that a step needs is held up: a statement in PostgreSQL, or a request on its way elsewhere. */
export type Stop =
  | {
      readonly at: 'PostgreSQL';
      readonly before: 'insert' | 'update';
      readonly table: string;
      readonly when: string;
    }
  | { readonly at: 'Slack'; readonly method: string; readonly shows?: RegExp }
  | { readonly at: 'upstream'; readonly says: RegExp; readonly answered?: true };

/** One step of a held call: all that is before it has happened, and what it does itself has not. */
export interface Step {
  /** Short, and the first part of its tests' names. */
  readonly name: string;
  /** What has happened by then, for the table. */
  readonly so: string;
  /** Null where nothing is under way: everything waits for a person. */
  readonly stop: Stop | null;
  readonly by: Role | null;
  /** Whether it comes before anybody can decide, or after a click. */
  readonly phase: 'asking' | 'deciding';
  /** A step of another role that is held up as well, since both happen at the same time. */
  readonly beside?: string;
  /** The step right before it, where it can be told from others only by what came before. */
  readonly after?: string;
}

const recordKinds = { message: 4, hold: 8, decision: 9, claim: 10, outcome: 11 } as const;
const record = (kind: keyof typeof recordKinds, more = ''): Stop => ({
  at: 'PostgreSQL',
  before: 'insert',
  table: 'records',
  when: `get_byte(new.header, 4) = ${recordKinds[kind]}${more}`,
});
const insert = (table: string): Stop => ({ at: 'PostgreSQL', before: 'insert', table, when: 'true' });
const update = (table: string, when: string): Stop => ({ at: 'PostgreSQL', before: 'update', table, when });
const becomes = (column: string): string => `old.${column} is null and new.${column} is not null`;

const asking = (name: string, so: string, by: Role, stop: Stop): Step => ({
  name,
  so,
  stop,
  by,
  phase: 'asking',
});
const deciding = (name: string, so: string, by: Role, stop: Stop): Step => ({
  name,
  so,
  stop,
  by,
  phase: 'deciding',
});

/**
 * A held call from the first byte to the last card. Each step is stopped right before its own effect outside the
 * process that runs it; since a killed process leaves nothing but such effects behind, these are all the states in
 * which it can die.
 */
export const steps: readonly Step[] = [
  asking(
    'received',
    'the request was read, and is not recorded',
    'gateway',
    record('message', ' and get_byte(new.header, 5) = 1'),
  ),
  asking('recorded', 'it is recorded, and not yet held', 'gateway', insert('held_calls')),
  asking('intent written', 'its row is there; the hold is not recorded', 'gateway', record('hold')),
  asking('hold recorded', 'the hold is recorded; its preview is just being made', 'gateway', {
    at: 'upstream',
    says: /"name":"echo"/,
  }),
  asking(
    'workflow started',
    'its workflow runs; the row does not say so',
    'gateway',
    update('held_calls', becomes('opened_at')),
  ),
  asking('card planned', 'the card is on its way to Slack', 'worker', {
    at: 'Slack',
    method: 'chat.postMessage',
  }),
  asking(
    'card posted',
    'the card stands; where is not written down',
    'worker',
    update('slack_cards', becomes('ts')),
  ),
  {
    name: 'waiting',
    so: 'the card stands, everything waits for a person',
    stop: null,
    by: null,
    phase: 'asking',
  },
  deciding('click received', 'somebody clicked; the click is not stored', 'slack', insert('slack_decisions')),
  deciding(
    'click stored',
    'it is stored and acknowledged; nobody works on it',
    'slack',
    update('slack_decisions', 'new.attempts = 1 and old.attempts = 0'),
  ),
  deciding('person looked up', 'Slack is asked who clicked', 'slack', { at: 'Slack', method: 'users.info' }),
  {
    ...deciding(
      'vote counted',
      'Temporal counted the vote; the click does not say so',
      'slack',
      update('slack_decisions', `old.state = 'received' and new.state <> 'received'`),
    ),
    beside: 'run given out',
  },
  {
    ...deciding(
      'decision counted',
      'the request is approved; the decision is not recorded',
      'worker',
      record('decision'),
    ),
    beside: 'run given out',
  },
  deciding(
    'run given out',
    'a gateway has it to run; it is not claimed',
    'gateway',
    update('held_calls', `old.state = 'pending' and new.state = 'executing'`),
  ),
  deciding('claimed', 'it is claimed; the claim is not recorded', 'gateway', record('claim')),
  deciding(
    'about to be sent',
    'the claim is recorded; the tool’s definition is just being asked for',
    'gateway',
    { at: 'upstream', says: /"method":"tools\/list"/ },
  ),
  deciding('sent', 'upstream has run it and not answered', 'gateway', {
    at: 'upstream',
    says: /"name":"run"/,
    answered: true,
  }),
  deciding('answered', 'upstream has answered; the outcome is not recorded', 'gateway', record('outcome')),
  deciding(
    'outcome recorded',
    'it is recorded; the row still says executing',
    'gateway',
    update('held_calls', `old.state = 'executing' and new.state = 'succeeded'`),
  ),
  deciding(
    'ended',
    'the row has ended with its result; the client has no answer',
    'gateway',
    update(
      'held_calls',
      'old.ended_at is not null and old.delivered_at is null and new.delivering_until > old.delivering_until',
    ),
  ),
  {
    ...deciding(
      'handed over',
      'the result is set aside for its client; its answer is not recorded',
      'gateway',
      record('message', ' and get_byte(new.header, 5) = 2'),
    ),
    after: 'ended',
  },
  deciding(
    'delivered',
    'the client has its answer; the row does not say so',
    'gateway',
    update('held_calls', becomes('delivered_at')),
  ),
  deciding('card refreshed', 'the card is just being brought to its end', 'worker', {
    at: 'Slack',
    method: 'chat.update',
    shows: /succeeded/i,
  }),
];

/** What is killed with SIGKILL, and started again. */
export const victims = ['gateway', 'worker', 'slack', 'temporal', 'postgres'] as const;
export type Victim = (typeof victims)[number];

/** One cell of the walk: `7w` is the seventh step, at which the worker is killed. */
export interface Cell {
  readonly id: string;
  readonly step: Step;
  readonly victim: Victim;
}

/** Every cell, step by step. */
export const cells: readonly Cell[] = steps.flatMap((step, index) =>
  victims.map((victim) => ({ id: `${index + 1}${victim[0]}`, step, victim })),
);

/** The step of this name. */
export function stepNamed(name: string): Step {
  const step = steps.find((one) => one.name === name);
  if (!step) throw new Error(`there is no step "${name}"`);
  return step;
}
