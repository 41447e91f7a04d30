/** What the Slack stand-in knows. */
export interface StandInMessage {
  readonly ts: string;
  readonly channel: string;
  text: string;
  blocks: Record<string, unknown>[];
  readonly metadata: unknown;
  readonly threadTs: string | null;
  /** How often it was changed. */
  updates: number;
}

export interface StandInView {
  readonly id: string;
  readonly user: string;
  readonly view: Record<string, unknown>;
  hash: string;
}

export interface StandInUser {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly teamId: string;
  readonly deleted: boolean;
  readonly bot: boolean;
}

export interface SlackState {
  readonly teamId: string;
  readonly appId: string;
  readonly botId: string;
  readonly botUser: string;
  readonly scopes: Set<string>;
  readonly users: Map<string, StandInUser>;
  readonly channels: Map<string, { name: string; isMember: boolean; members?: readonly string[] }>;
  readonly userGroups: Map<string, { handle: string; users: string[] }>;
  readonly messages: StandInMessage[];
  readonly ephemerals: { user: string; channel: string; text: string }[];
  /** Open modals, by view id. */
  readonly modals: Map<string, StandInView>;
  readonly homes: Map<string, StandInView>;
  /** Triggers that were handed out, and when. */
  readonly triggers: Map<string, { user: string; atMs: number; used: boolean }>;
  counter: number;
}

/** A fresh id or timestamp part, never given twice. */
export function next(state: SlackState): number {
  state.counter += 1;
  return state.counter;
}

/** A message timestamp as Slack gives them: unique in the workspace. */
export function newTs(state: SlackState): string {
  return `${Math.floor(Date.now() / 1000)}.${String(next(state)).padStart(6, '0')}`;
}
