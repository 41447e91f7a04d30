import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { isPublicAddress, publicLookup } from '../authorize/public-fetch.ts';
import { guardedLookup, refuseAddressOf } from '../upstreams/address-guard.ts';
import type { Fetch } from '../identify/fetch-json.ts';

const limits = { headersTimeout: 10_000, bodyTimeout: 10_000, maxResponseSize: 512 * 1024 };
const connectTimeoutMs = 5_000;

/**
 * A fetch for what an upstream server names: its metadata, its authorization server. Nothing is followed, time and size
 * are bounded, and cloud metadata services are never reached.
 * @param inward whether it may lead to addresses that are not on the public internet: so where the operator named it,
 *   or where the upstream itself stands there
 */
export function guardedFetch(inward: boolean): Fetch {
  return async (url, init) => {
    const to = new URL(url);
    refuseInsecure(to);
    refuseAddressOf(to);
    const host = bareHost(to);
    if (!inward && isIP(host) !== 0 && !isPublicAddress(host))
      throw new Error(`${to.host} is not on the public internet`);
    const agent = new Agent({
      ...limits,
      connect: { timeout: connectTimeoutMs, lookup: inward ? guardedLookup(to) : publicLookup },
    });
    const { dispatcher: _, ...rest } = init as RequestInit & { dispatcher?: unknown };
    const answer = await undiciFetch(url, {
      ...(rest as Parameters<typeof undiciFetch>[1]),
      redirect: 'manual',
      dispatcher: agent,
    });
    // Read whole, so that the connections of this one fetch can be closed.
    const body = await answer.arrayBuffer().finally(() => void agent.close());
    const empty = [101, 204, 205, 304].includes(answer.status);
    return new Response(empty ? null : body, {
      status: answer.status,
      headers: [...answer.headers.entries()],
    });
  };
}

/** Plain http is for this machine alone. @throws Error */
export function refuseInsecure(url: URL): void {
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackName(bareHost(url)))) return;
  throw new Error(`${url.origin} is not reached by https`);
}

/** Whether a server stands on a network of one's own, where its neighbours may stand, too. */
export async function standsInward(url: URL): Promise<boolean> {
  const host = bareHost(url);
  if (isIP(host) !== 0) return !isPublicAddress(host);
  const found = await lookup(host, { all: true });
  return found.some(({ address }) => !isPublicAddress(address));
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
