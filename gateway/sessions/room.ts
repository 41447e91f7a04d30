import type { Caller } from '../../policy/caller.ts';
import { GatewayError } from '../errors.ts';
import type { AgentSettings } from '../settings.ts';
import type { LiveSession } from './session.ts';

/** How many client sessions there may be on a replica at a time; one caller cannot keep everybody else out. */
export type SessionLimits = Pick<AgentSettings['limits'], 'sessions' | 'sessionsPerCaller'>;

/** Whether a caller may have one session more. @throws GatewayError `too_many_sessions` */
export function refuseWhenFull(
  live: readonly LiveSession[],
  { sessions, sessionsPerCaller }: SessionLimits,
  caller: Caller,
): void {
  if (live.length >= sessions)
    throw new GatewayError(
      'too_many_sessions',
      `this gateway already has ${sessions} sessions, as many as are allowed; end some, or try again later`,
    );
  if (live.filter(({ facts }) => facts.callerKey === caller.key).length >= sessionsPerCaller)
    throw new GatewayError(
      'too_many_sessions',
      `you already have ${sessionsPerCaller} sessions here, as many as one caller may have; end some, or try again later`,
    );
}
