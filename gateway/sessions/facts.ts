import { createHash } from 'node:crypto';
import type { Caller } from '../../policy/caller.ts';
import type { SessionFacts } from '../../recording/event.ts';
import { GatewayError } from '../errors.ts';

/** One answer for all: no such session, another caller's, or one that lives elsewhere. */
export function unknownSession(): GatewayError {
  return new GatewayError('session_unknown', 'there is no such session; initialize again');
}

/** What the recording knows of a session. */
export function factsOf(caller: Caller, connection: string, sessionId: string): SessionFacts {
  return {
    sessionId,
    connection,
    callerKey: caller.key,
    subject: caller.subject,
    client: caller.client,
    credentialId: caller.credentialId,
    actors: caller.actors,
  };
}

/** The hash by which a client's session id is stored. */
export function hashOfId(id: string): Buffer {
  return createHash('sha256').update('holdpoint mcp session\0').update(id).digest();
}
