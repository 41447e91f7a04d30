import type { Caller } from '../../policy/caller.ts';
import { GatewayError } from '../errors.ts';
import type { LiveSession } from './session.ts';

/** How many client sessions there may be on a replica at a time. */
export interface SessionLimits {
  readonly maxSessions: number;
  /** So that one caller cannot keep everybody else out. */
  readonly maxSessionsPerCaller: number;
}

/** Whether a caller may have one session more. @throws GatewayError `too_many_sessions` */
export function refuseWhenFull(
  sessions: readonly LiveSession[],
  { maxSessions, maxSessionsPerCaller }: SessionLimits,
  caller: Caller,
): void {
  if (sessions.length >= maxSessions)
    throw new GatewayError(
      'too_many_sessions',
      `this gateway already has ${maxSessions} sessions, as many as are allowed; end some, or try again later`,
    );
  if (sessions.filter(({ facts }) => facts.callerKey === caller.key).length >= maxSessionsPerCaller)
    throw new GatewayError(
      'too_many_sessions',
      `you already have ${maxSessionsPerCaller} sessions here, as many as one caller may have; end some, or try again later`,
    );
}
