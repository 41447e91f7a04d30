import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';

const here = import.meta.dirname;

/**
 * What `holdpoint up` serves when no connection is configured: a connection `files` to the official filesystem server
 * on the sample files, and, where there is no policy either, the starter policy, both in the data directory.
 */
export function demonstrated(config: Config): Config {
  if (Object.keys(config.connections).length > 0) return config;
  const policy =
    config.policyNamed || existsSync(config.policy) ? config.policy : join(config.dataDir, 'policy.yaml');
  const server = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/dist/index.js',
  );
  const files = {
    kind: 'stdio',
    command: [process.execPath, server, join(config.dataDir, 'samples')],
    cwd: null,
    env: {},
    secretEnv: {},
    maxProcesses: 32,
    idleTimeoutMs: 600_000,
  } as const;
  return Object.freeze({ ...config, policy, connections: Object.freeze({ files: Object.freeze(files) }) });
}

/**
 * The same, with the files in place. They are copied once, so that approved writes and edits of the policy stay
 * between starts and never touch the program's own files.
 */
export async function withDemonstration(config: Config): Promise<Config> {
  const result = demonstrated(config);
  if (result === config) return config;
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await copyOnce(join(here, 'samples'), join(config.dataDir, 'samples'));
  if (result.policy !== config.policy) await copyOnce(join(here, 'policy.yaml'), result.policy);
  return result;
}

/** Whole or not at all: what a killed start leaves behind is not taken for the copy. */
async function copyOnce(from: string, to: string): Promise<void> {
  if (existsSync(to)) return;
  const unfinished = `${to}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(from, unfinished, { recursive: true });
  await rename(unfinished, to);
}
