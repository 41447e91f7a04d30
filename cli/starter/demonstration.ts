import { cp, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';

const here = import.meta.dirname;

/**
 * What `holdpoint up` serves when nothing is configured: a connection `files` to the official filesystem server
 * on a copy of the sample files, and the starter policy. Copies are made once, under the data directory, so that
 * approved writes and edits of the policy stay between starts and never touch the program's own files.
 * A configured file, connection or policy.yaml leaves the configuration as it is.
 */
export async function withDemonstration(config: Config): Promise<Config> {
  if (config.file !== null || Object.keys(config.connections).length > 0) return config;
  const samples = join(config.dataDir, 'samples');
  const policy = existsSync(config.policy) ? config.policy : join(config.dataDir, 'policy.yaml');
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await copyOnce(join(here, 'samples'), samples);
  await copyOnce(join(here, 'policy.yaml'), policy);
  const server = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-filesystem/dist/index.js',
  );
  const files = {
    kind: 'stdio',
    command: [process.execPath, server, samples],
    cwd: null,
    env: {},
    maxProcesses: 32,
    idleTimeoutMs: 600_000,
  } as const;
  return Object.freeze({ ...config, policy, connections: Object.freeze({ files: Object.freeze(files) }) });
}

async function copyOnce(from: string, to: string): Promise<void> {
  if (!existsSync(to)) await cp(from, to, { recursive: true, errorOnExist: false, force: false });
}
