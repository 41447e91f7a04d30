import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run as verify } from '../../cli/commands/verify.ts';
import { signer } from './support.ts';

/** What `holdpoint verify FILE` says of a proof, with neither database nor keys at hand. */
export async function verified(
  file: unknown,
  options: readonly string[] = [],
): Promise<{ code: number; out: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-proof-'));
  const path = join(folder, 'call.json');
  await writeFile(path, JSON.stringify(file));
  let out = '';
  const write = (text: string): void => void (out += text);
  const nothing = async (): Promise<never> => assert.fail('a proof must be checked without this');
  try {
    const deps = {
      pool: nothing,
      keyRing: nothing,
      logKey: null,
      checkpointFiles: [],
      out: write,
      err: write,
    };
    return { code: await verify([path, '--key', signer.vkey, ...options], deps), out };
  } finally {
    await rm(folder, { recursive: true });
  }
}
