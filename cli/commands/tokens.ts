import { parseArgs } from 'node:util';
import type { RecordAct } from '../../console/acts.ts';
import type { Identity } from '../../console/identity.ts';
import { makePersonalToken, makeServiceToken, TokenRefused } from '../../console/make-token.ts';
import { type AccessToken, listTokens, revokeTokens } from '../../db/access-tokens.ts';
import type { Pool } from '../../db/pool.ts';
import { parseDuration } from '../../policy/durations.ts';
import { visible } from '../../recording/transcript.ts';
import { isUsage, UsageError } from './sessions-filter.ts';

/** What `holdpoint tokens …` needs. */
export interface TokensDeps {
  readonly pool: Pool;
  readonly longestMs: number;
  /** Every scope that the configured connections have. */
  readonly scopes: readonly string[];
  /** Who is at the command line. @throws Error that says how to prove it */
  readonly identity: () => Promise<Identity>;
  /** Names the operating system's user, for acts that need no more than access to the database. */
  readonly operator: string;
  readonly recordAct: RecordAct;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `usage: holdpoint tokens create NAME [--service SUBJECT] [--scope SCOPE]… [--group GROUP]… [--expires 90d] [--json]
       holdpoint tokens list [--json]
       holdpoint tokens revoke ID

create  makes an access token and prints it, once. Without --service it is your own, and gives at most the groups that
        you are in. --scope is mcp:CONNECTION or mcp:CONNECTION:CLASS; left out, the token may call everything.
revoke  the next call with it is refused
`;

const usualLifeMs = 90 * 86_400_000;

/** Runs `holdpoint tokens …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: TokensDeps): Promise<number> {
  const [command, ...rest] = argv;
  try {
    if (command === 'create') return await create(rest, deps);
    if (command === 'list') return await list(rest, deps);
    if (command === 'revoke') return await revoke(rest, deps);
  } catch (error) {
    if (error instanceof TokenRefused) {
      deps.err(`${visible(error.message)}\n`);
      return 1;
    }
    if (!isUsage(error)) throw error;
    deps.err(`${(error as Error).message}\n`);
  }
  deps.err(usage);
  return 2;
}

async function create(argv: readonly string[], deps: TokensDeps): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      service: { type: 'string' },
      scope: { type: 'string', multiple: true },
      group: { type: 'string', multiple: true },
      expires: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const [name, ...more] = positionals;
  const lifeMs =
    values.expires === undefined ? Math.min(usualLifeMs, deps.longestMs) : parseDuration(values.expires);
  if (name === undefined || more.length > 0) throw new UsageError('tokens create needs one NAME');
  if (lifeMs === null) throw new UsageError('--expires is a duration such as `30d` or `12h`');
  const making = {
    db: deps.pool,
    recordAct: deps.recordAct,
    now: new Date(),
    longestMs: deps.longestMs,
    scopes: deps.scopes,
  };
  const wish = { name, lifeMs, scopes: values.scope ?? null, groups: values.group ?? [] };
  const { secret, token } =
    values.service === undefined
      ? await personal(making, await deps.identity(), wish)
      : await makeServiceToken(making, { subject: values.service, by: deps.operator }, wish);
  if (values.json) deps.out(`${JSON.stringify({ ...token, token: secret }, null, 2)}\n`);
  else {
    deps.out(`${secret}\n`);
    deps.err(
      `Token ${token.id} for ${visible(token.subject)}, until ${token.expiresAt.toISOString()}. It is shown this once.\n`,
    );
  }
  return 0;
}

/** Left out, `--group` means every group that one is in. */
function personal(
  making: Parameters<typeof makePersonalToken>[0],
  owner: Identity,
  wish: Parameters<typeof makePersonalToken>[2],
): ReturnType<typeof makePersonalToken> {
  return makePersonalToken(making, owner, wish.groups.length > 0 ? wish : { ...wish, groups: owner.groups });
}

async function list(argv: readonly string[], { pool, out }: TokensDeps): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { json: { type: 'boolean' } } });
  const tokens = await listTokens(pool, null);
  if (values.json) out(`${JSON.stringify(tokens, null, 2)}\n`);
  else for (const token of tokens) out(line(token));
  return 0;
}

function line(token: AccessToken): string {
  const state = token.revokedAt
    ? `revoked ${token.revokedAt.toISOString()}`
    : token.expiresAt <= new Date()
      ? `expired ${token.expiresAt.toISOString()}`
      : `until ${token.expiresAt.toISOString()}`;
  const used = token.lastUsedAt ? `last used ${token.lastUsedAt.toISOString()}` : 'never used';
  const scopes = token.scopes?.join(' ') ?? 'everything';
  return `${token.id}  ${token.kind}  ${visible(token.subject)}  ${visible(token.name)}  ${scopes}  ${state}  ${used}\n`;
}

async function revoke(argv: readonly string[], deps: TokensDeps): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw new UsageError('tokens revoke needs one ID');
  await deps.recordAct('tokens.revoke', { id, by: deps.operator });
  const revoked = await revokeTokens(deps.pool, { id }, deps.operator);
  if (revoked === 0) {
    deps.err(`there is no token ${visible(id)} that stands\n`);
    return 1;
  }
  deps.out(`revoked ${id}\n`);
  return 0;
}
