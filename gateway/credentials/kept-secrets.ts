import type { Logger } from 'pino';
import { KeyServiceError } from '../../recording/keys/key-service.ts';
import { credentialsUnavailable } from './errors.ts';
import type { SecretStore, StoredSecret } from './secret-stores.ts';
import type { SecretReference } from './settings.ts';

/** The secrets that connections use, read once however many need them, and renewed before their leases end. */
export interface KeptSecrets {
  /** @throws UpstreamError `credentials_unavailable` */
  value(connection: string, reference: SecretReference): Promise<string>;
  /** Upstream did not accept it: it is read anew the next time. */
  forget(reference: SecretReference): void;
  close(): void;
}

/** A secret in memory. */
interface Kept {
  readonly read: Promise<StoredSecret>;
  staleAtMs: number;
  timer: NodeJS.Timeout | null;
  usedAtMs: number;
}

/** A lease that nobody has used for this long is let run out. */
const unusedMs = 60 * 60_000;
/** The longest that a timer may run. */
const longestTimerMs = 2 ** 31 - 1;

export function keepSecrets(stores: ReadonlyMap<string, SecretStore>, log: Logger): KeptSecrets {
  const kept = new Map<string, Kept>();
  const keyOf = ({ store, path }: SecretReference): string => `${store}\0${path}`;

  function drop(key: string, one: Kept): void {
    if (one.timer) clearTimeout(one.timer);
    if (kept.get(key) === one) kept.delete(key);
  }

  /** Renews the lease when two thirds of it are over, for as long as the secret is used. */
  function renewLater(key: string, one: Kept, leaseId: string, store: SecretStore, livesMs: number): void {
    const renew = async (): Promise<void> => {
      if (Date.now() - one.usedAtMs > unusedMs) return drop(key, one);
      const longerMs = await store.renew(leaseId);
      // At the end of its longest life a lease gets no longer: a new one is taken instead.
      if (longerMs < livesMs / 2) return drop(key, one);
      one.staleAtMs = Date.now() + longerMs;
      return renewLater(key, one, leaseId, store, longerMs);
    };
    const onDue = (): void => {
      renew().catch((error: unknown) => {
        log.warn(
          { err: error, path: key.split('\0')[1] },
          'a lease could not be renewed; a new one is taken',
        );
        drop(key, one);
      });
    };
    one.timer = setTimeout(onDue, Math.min((livesMs * 2) / 3, longestTimerMs)).unref();
  }

  function fetch(key: string, store: SecretStore, path: string): Kept {
    const one: Kept = {
      staleAtMs: Number.POSITIVE_INFINITY,
      timer: null,
      usedAtMs: Date.now(),
      read: store.read(path).then(
        (secret) => {
          one.staleAtMs = Date.now() + secret.livesMs;
          if (secret.leaseId !== null) renewLater(key, one, secret.leaseId, store, secret.livesMs);
          return secret;
        },
        (error: unknown) => {
          drop(key, one);
          throw error;
        },
      ),
    };
    kept.set(key, one);
    return one;
  }

  return {
    async value(connection, reference) {
      const { store: name, path, field } = reference;
      const store = stores.get(name);
      if (!store) throw credentialsUnavailable(connection, `there is no secret store "${name}"`);
      const key = keyOf(reference);
      let one = kept.get(key);
      if (!one || Date.now() >= one.staleAtMs) {
        if (one) drop(key, one);
        one = fetch(key, store, path);
      }
      one.usedAtMs = Date.now();
      const secret = await one.read.catch((error: unknown) => {
        log.warn({ err: error, connection, store: name }, 'a secret store did not give a secret');
        const why = error instanceof KeyServiceError ? error.code : 'an error in the gateway';
        throw credentialsUnavailable(connection, `secret store "${name}": ${why}`, error);
      });
      const value = field === null ? secret.text : secret.fields[field];
      if (value === undefined || value === '')
        throw credentialsUnavailable(connection, `the secret in store "${name}" has no such field`);
      return value;
    },
    forget(reference) {
      const one = kept.get(keyOf(reference));
      if (one) drop(keyOf(reference), one);
    },
    close() {
      for (const [key, one] of kept) drop(key, one);
    },
  };
}
