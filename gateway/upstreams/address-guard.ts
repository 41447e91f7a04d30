import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Addresses that are never an upstream: cloud metadata services, this host by no name, multicast. */
const never = new BlockList();
never.addSubnet('169.254.0.0', 16, 'ipv4');
never.addSubnet('0.0.0.0', 8, 'ipv4');
never.addSubnet('224.0.0.0', 4, 'ipv4');
never.addAddress('100.100.100.200', 'ipv4');
never.addSubnet('fe80::', 10, 'ipv6');
never.addSubnet('ff00::', 8, 'ipv6');
never.addAddress('::', 'ipv6');
never.addAddress('fd00:ec2::254', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Refuses a URL whose host is an address that is never an upstream. Private networks are fine: an upstream is named
 * by the operator, not by an agent.
 * @throws Error
 */
export function refuseAddressOf(url: URL): void {
  const host = bareHost(url);
  if (isIP(host) && isNever(host))
    throw new Error(
      `${url.host} is a link-local, multicast or unspecified address, which is never an upstream`,
    );
}

/**
 * A lookup that checks what a name resolves to each time a connection is made, so that a name cannot be pointed at
 * a metadata service later (DNS rebinding), nor at this host unless it is named `localhost`.
 */
export function guardedLookup(
  url: URL,
): (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void {
  const host = bareHost(url);
  const mayBeLoopback = host === 'localhost' || host.endsWith('.localhost') || isIP(host) !== 0;
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(
        ({ address }) => !isNever(address) && (mayBeLoopback || !isLoopback(address)),
      );
      const [first] = allowed;
      if (!first) return callback(refusal(hostname), []);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} resolves only to addresses that are never an upstream`), {
    code: 'ADDRESS_REFUSED',
  });
}

function isNever(address: string): boolean {
  return check(never, address);
}

function isLoopback(address: string): boolean {
  return check(loopback, address);
}

/** IPv4 addresses written as IPv6 (`::ffff:…`) are looked at as IPv4 by BlockList itself. */
function check(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
