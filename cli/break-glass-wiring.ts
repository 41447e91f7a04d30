import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { copyPublicKey, readCopyKey } from '../recording/sealed-copy.ts';
import { type Adjust, withApi } from './api/open.ts';
import { keyFileIn, run } from './commands/break-glass.ts';
import type { Invocation } from './main.ts';

/** `holdpoint break-glass …`: with a key of one's own it opens beside the database, so that the key goes nowhere. */
export async function breakGlass(invocation: Invocation): Promise<number> {
  const file = keyFileIn(invocation.argv);
  if (file === null) return withApi(invocation, run);
  if (invocation.server !== undefined) {
    invocation.err('holdpoint break-glass: --key is used beside the database, and goes with no --server\n');
    return 2;
  }
  return withApi({ ...invocation, database: true }, run, withKey(resolve(invocation.cwd, file)));
}

function withKey(file: string): Adjust {
  return async (deps, { config }) => {
    const settings = config.keys.breakGlass;
    if (!settings || !deps.breakGlass) return deps;
    const privateKey = readCopyKey(await readFile(file, 'utf8'));
    if (!copyPublicKey(privateKey).equals(settings.publicKey))
      throw new Error('this is not the private half of keys.breakGlass.publicKey');
    return { ...deps, breakGlass: { ...deps.breakGlass, privateKey } };
  };
}
