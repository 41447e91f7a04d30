import type { ApiCommand } from './api/open.ts';
import type { Command, Invocation } from './main.ts';

/**
 * Commands that look or act by the operations of the API, wherever they are done. Each is loaded when it is called.
 */
export const apiCommands: Readonly<Record<string, () => Promise<Command>>> = {
  approvals: async () => by((await import('./commands/approvals.ts')).run),
  grants: async () => by((await import('./commands/grants.ts')).runGrants),
  outcomes: async () => by((await import('./commands/grants.ts')).runOutcomes),
  definitions: async () => by((await import('./commands/definitions.ts')).run),
  freeze: async () => turning('freeze'),
  unfreeze: async () => turning('unfreeze'),
  revoke: async () => containing('revoke'),
  unrevoke: async () => containing('unrevoke'),
  revocations: async () => containing('revocations'),
  tokens: async () => by((await import('./commands/tokens.ts')).run),
  clients: async () => by((await import('./commands/clients.ts')).run),
  connections: async () => by((await import('./commands/connections.ts')).run),
  proof: async () => by((await import('./commands/proof.ts')).run),
  whoami: async () => by((await import('./commands/whoami.ts')).run),
  sessions: async () => sessions,
  mask: async () => (await import('./commands/mask.ts')).mask,
  'break-glass': async () => (await import('./break-glass-wiring.ts')).breakGlass,
};

function by(run: ApiCommand): Command {
  return async (invocation) => (await import('./api/open.ts')).withApi(invocation, run);
}

async function turning(act: 'freeze' | 'unfreeze'): Promise<Command> {
  const { run } = await import('./commands/freeze.ts');
  return by((argv, deps) => run(act, argv, deps));
}

async function containing(act: 'revoke' | 'unrevoke' | 'revocations'): Promise<Command> {
  const { run } = await import('./commands/revoke.ts');
  return by((argv, deps) => run(act, argv, deps));
}

/**
 * Purging takes the database and its keys. Packages are written into their folder beside it, where they go on after an
 * interruption, unless a server is meant or an archive.
 */
const sessions: Command = async (invocation) => {
  const [act, ...rest] = invocation.argv;
  if (act === 'export' && (await isDownload(invocation, rest))) {
    const { downloadSessions } = await import('./commands/sessions-download.ts');
    return by((_, deps) => downloadSessions(rest, deps))(invocation);
  }
  if (act === 'purge' || act === 'export')
    return (await import('./recording-wiring.ts')).sessionsBeside(act, invocation);
  return by((await import('./commands/sessions.ts')).run)(invocation);
};

async function isDownload(invocation: Invocation, argv: readonly string[]): Promise<boolean> {
  const { serverNamed } = await import('./api/target.ts');
  const { asksForArchive } = await import('./commands/sessions-chosen.ts');
  return (await serverNamed(invocation)) !== null || asksForArchive(argv);
}
