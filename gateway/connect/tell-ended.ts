import type { Logger } from 'pino';
import { type EndedSignIn, forgetEndedSignIn, takeEndedSignIn } from '../../db/ended-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { type KeptTokens, tokensContext, unsealValue } from './sealing.ts';
import { revokeTokens } from './token-endpoint.ts';

export interface TellDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly log: Logger;
  /** Records what came of it. */
  readonly recordAct: (act: string, details: Readonly<Record<string, string>>) => Promise<void>;
}

/** What came of telling an authorization server. */
type Outcome = 'revoked' | 'no revocation endpoint' | 'not reached';

const lookEveryMs = 2_000;
const mostTries = 6;

/**
 * Tells authorization servers of people's tokens that containment has ended (RFC 7009). Here they are good for nothing
 * already: this is so that they are good for nothing anywhere, and holds up nobody. Of all replicas one tells; what
 * cannot be reached is tried for an hour.
 */
export function startTellingEnded(deps: TellDeps): { close(): Promise<void> } {
  const stopped = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    while (!stopped.signal.aborted) if (!(await tellNext(deps))) return;
  };
  const timer = setInterval(() => {
    running = running.then(look).catch((error: unknown) => {
      deps.log.warn({ err: error }, 'sign-ins that were ended could not be looked at');
    });
  }, lookEveryMs).unref();
  return {
    async close() {
      stopped.abort();
      clearInterval(timer);
      await running;
    },
  };
}

/** @returns false when nobody is to be told of anything now */
async function tellNext(deps: TellDeps): Promise<boolean> {
  const { pool, log } = deps;
  const ended = await takeEndedSignIn(pool);
  if (!ended) return false;
  const { connection, holder, tries } = ended;
  const outcome = await told(deps, ended).catch((error: unknown): Outcome => {
    log.warn({ err: error, connection, tries }, 'an authorization server was not told of an end');
    return 'not reached';
  });
  if (outcome === 'not reached' && tries < mostTries) return true;
  await deps.recordAct('connections.revoke', { connection, by: holder, outcome });
  await forgetEndedSignIn(pool, ended.id);
  return true;
}

async function told({ keyRing }: TellDeps, ended: EndedSignIn): Promise<Outcome> {
  const context = tokensContext(ended.connection, ended.holder);
  const kept = await unsealValue<KeptTokens>(keyRing, ended, context);
  if (kept.revocationUrl === null) return 'no revocation endpoint';
  await revokeTokens(kept);
  return 'revoked';
}
