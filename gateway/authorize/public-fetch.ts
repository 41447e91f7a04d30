import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';

/** Addresses that are not on the public internet (IANA special-purpose registries). */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, bits, 'ipv4');
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special6.addSubnet(network, bits, 'ipv6');

/** Whether an address is on the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4');
  return isIP(address) === 6 && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6');
}

/**
 * Checks what a name resolves to each time a connection is made, so that a name cannot be pointed inward between
 * check and use (DNS rebinding). One inward address among several refuses the name.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    const [first] = addresses;
    if (!first || !addresses.every(({ address }) => isPublicAddress(address)))
      return callback(new Error('the host is not on the public internet'), '', 0);
    return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
  });
};

const agent = new Agent({
  connect: { lookup: publicLookup, timeout: 3_000 },
  headersTimeout: 5_000,
  bodyTimeout: 5_000,
  maxResponseSize: 64 * 1024,
});

/**
 * Fetches a URL that a stranger named (a client id metadata document): https to hosts on the public internet only,
 * nothing followed, bounded in time and size.
 * @throws Error
 */
export async function publicFetch(url: string | URL, init: RequestInit): Promise<Response> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol !== 'https:' || port !== '' || (isIP(host) !== 0 && !isPublicAddress(host)))
    throw new Error('a client document is fetched over https, at the usual port, from the public internet');
  const { dispatcher: _, ...rest } = init as RequestInit & { dispatcher?: unknown };
  const answer = await undiciFetch(url, {
    ...(rest as Parameters<typeof undiciFetch>[1]),
    redirect: 'error',
    dispatcher: agent,
  });
  return answer;
}
