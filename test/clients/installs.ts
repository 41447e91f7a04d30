import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, once, pythonEnvironment, run } from '../support/fetched.ts';

/** A client of the matrix: what it is, and how to start it. */
export interface ClientRow {
  /** Also the name of its connection at the gateway, so that what the gateway learns of one tells nothing of another. */
  readonly id: string;
  readonly title: string;
  /** Program and arguments before the plan, and after it. */
  readonly program: readonly string[];
  readonly after: readonly string[];
}

const drivers = fileURLToPath(new URL('./drivers/', import.meta.url));

/** Versions of what is fetched; the TypeScript clients are development dependencies. */
const versions = { python: '2.3.0', fastmcp: '4.1.2', go: '1.8.0', remote: '0.15.1' };

/** Fetches what is missing (Python packages, a Go module, mcp-remote) into the cache, and lists the clients. */
export async function obtainClients(): Promise<readonly ClientRow[]> {
  const cache = await cacheFolder('clients');
  const python = async (name: string, version: string): Promise<string> =>
    join(await pythonEnvironment(join(cache, `${name}-${version}`), `${name}==${version}`), 'python');
  const sdk = await python('mcp', versions.python);
  const fastmcp = await python('fastmcp', versions.fastmcp);
  const go = join(cache, `go-sdk-${versions.go}`);
  await once(go, async () => run('go', ['build', '-o', go, '.'], join(drivers, 'go')));
  const remote = join(cache, `mcp-remote-${versions.remote}`);
  const proxy = join(remote, 'node_modules/mcp-remote/dist/proxy.js');
  await once(proxy, async () => {
    await mkdir(remote, { recursive: true });
    await run('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefix',
      remote,
      `mcp-remote@${versions.remote}`,
    ]);
  });
  const node = (file: string): string[] => [process.execPath, join(drivers, file)];
  const py = [join(drivers, 'python_client.py')];
  return [
    { id: 'ts1', title: 'TypeScript SDK 1.32', program: node('ts-v1.ts'), after: [] },
    { id: 'ts2-legacy', title: 'TypeScript SDK 2.4, legacy', program: node('ts-v2.ts'), after: ['legacy'] },
    { id: 'ts2-auto', title: 'TypeScript SDK 2.4, auto', program: node('ts-v2.ts'), after: ['auto'] },
    {
      id: 'ts2-modern',
      title: 'TypeScript SDK 2.4, pinned 2026-07-28',
      program: node('ts-v2.ts'),
      after: ['modern'],
    },
    { id: 'python', title: `Python SDK ${versions.python}`, program: [sdk, ...py], after: ['sdk'] },
    { id: 'fastmcp', title: `fastmcp ${versions.fastmcp}`, program: [fastmcp, ...py], after: ['fastmcp'] },
    { id: 'go', title: `Go SDK ${versions.go}`, program: [go], after: [] },
    { id: 'inspector', title: 'Inspector CLI 2.12', program: node('inspector.ts'), after: [] },
    { id: 'mcp-remote', title: `mcp-remote ${versions.remote}`, program: node('ts-v1.ts'), after: [proxy] },
  ];
}
