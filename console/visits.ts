import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  closeSession,
  findSession,
  newSecret,
  openSession,
  sessionStands,
  type SessionLimits,
  type SignedIn,
} from '../db/console-sessions.ts';
import type { Pool } from '../db/pool.ts';
import { PageError } from './errors.ts';
import type { Visit } from './deps.ts';
import { sameText } from './login/link.ts';

const limits: SessionLimits = { lifeMs: 12 * 3_600_000, idleMs: 2 * 3_600_000 };

/** The field of a form that carries the session's mark. */
export const formMark = 'csrf';

/** Who is signed in, request by request. Sessions are rows; the cookie is a secret of which only the hash is kept. */
export interface Visits {
  /** The visit of a request, or null when nobody is signed in. */
  find(request: FastifyRequest): Promise<Visit | null>;
  /** Whether a session still stands. Does not count as use, so that an open page does not keep anybody signed in. */
  isAlive(secret: string): Promise<boolean>;
  /** Starts a session under a new secret, whatever cookie the browser sent (so that none can be planted). */
  begin(request: FastifyRequest, reply: FastifyReply, who: SignedIn, secret?: string): Promise<void>;
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** @throws PageError 403 when the form does not carry this session's token */
  checkForm(visit: Visit, form: Readonly<Record<string, unknown>>): void;
}

/**
 * @param secure whether browsers reach the console by https: the cookie then is `Secure` and bound to the host
 */
export function createVisits(pool: Pool, binding: string, secure: boolean): Visits {
  const cookie = secure ? '__Host-holdpoint' : 'holdpoint';
  const options = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return {
    async find(request) {
      const secret = request.cookies[cookie];
      if (!secret) return null;
      const who = await findSession(pool, secret, binding, limits);
      if (!who) return null;
      return {
        identity: {
          person: { keys: who.personKeys, name: who.name },
          subject: who.subject,
          email: who.email,
          groups: who.groups,
          local: binding.startsWith('local:'),
        },
        signedInAt: who.signedInAt,
        authentication: { acr: who.acr, amr: who.amr, at: who.authenticatedAt, provenAt: who.provenAt },
        csrf: csrfOf(secret),
        secret,
        sealedTokens: who.sealedTokens,
      };
    },
    isAlive: (secret) => sessionStands(pool, secret, binding, limits),
    async begin(request, reply, who, secret = newSecret()) {
      const former = request.cookies[cookie];
      if (former) await closeSession(pool, former);
      await openSession(pool, secret, who, limits);
      reply.setCookie(cookie, secret, { ...options, maxAge: limits.lifeMs / 1000 });
    },
    async end(request, reply) {
      const secret = request.cookies[cookie];
      if (secret) await closeSession(pool, secret);
      reply.clearCookie(cookie, options);
    },
    checkForm(visit, form) {
      const sent = form[formMark];
      if (typeof sent === 'string' && sameText(sent, visit.csrf)) return;
      throw new PageError(
        403,
        'This form is not valid any more',
        'The form was not made for your present session, so nothing was done.',
        'Open the page again and decide there.',
      );
    },
  };
}

function csrfOf(secret: string): string {
  return createHmac('sha256', secret).update('holdpoint form').digest('base64url');
}
