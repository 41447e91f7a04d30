import { parseDuration } from '../../policy/durations.ts';
import { visible } from '../../recording/transcript.ts';
import type { Answer } from '../api/api.ts';
import { answering, argumentsOf, type CommandDeps, oneOf, printJson, UsageError } from './answering.ts';

const usage = `Usage:
  holdpoint tokens create NAME [--service SUBJECT] [--scope SCOPE]… [--group GROUP]… [--expires 90d] [--json]
  holdpoint tokens list [--json]
  holdpoint tokens revoke ID

create  makes an access token and prints it, once. Without --service it is your own, and gives at most the groups that
        you are in. --scope is mcp:CONNECTION, mcp:CONNECTION:CLASS or holdpoint:api; left out, the token may call
        everything, and administers nothing.
revoke  the next call with it is refused

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs `holdpoint tokens …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      service: { type: 'string' },
      scope: { type: 'string', multiple: true },
      group: { type: 'string', multiple: true },
      expires: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const [act, ...words] = positionals;
    if (act === 'create') return create(deps, oneOf(words, 'the NAME of the token'), values);
    if (act === 'list' && words.length === 0) return list(deps, values.json);
    if (act === 'revoke') {
      const id = oneOf(words, 'the ID of the token');
      await deps.api.call('revokeToken', { params: { id } });
      deps.out(`revoked ${id}\n`);
      return 0;
    }
    throw new UsageError(act === undefined ? 'tokens create, list or revoke' : `there is no tokens ${act}`);
  });
}

interface Wish {
  readonly service?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly expires?: string | undefined;
  readonly json: boolean;
}

async function create({ api, out, err }: CommandDeps, name: string, wish: Wish): Promise<number> {
  const lifeMs = wish.expires === undefined ? undefined : parseDuration(wish.expires);
  if (lifeMs === null) throw new UsageError('--expires is a duration such as `30d` or `12h`');
  const { secret, token } = await api.call('createToken', {
    body: {
      name,
      ...(wish.service !== undefined && { service: wish.service }),
      ...(wish.scope && { scopes: [...wish.scope] }),
      ...(wish.group && { groups: [...wish.group] }),
      ...(lifeMs !== undefined && { lifeMs }),
    },
  });
  if (wish.json) printJson(out, { ...token, token: secret });
  else {
    out(`${secret}\n`);
    err(
      `Token ${token.id} for ${visible(token.subject)}, until ${token.expiresAt}. It is shown this once.\n`,
    );
  }
  return 0;
}

async function list({ api, out }: CommandDeps, json: boolean): Promise<number> {
  const { tokens } = await api.call('listTokens');
  if (json) printJson(out, tokens);
  else for (const token of tokens) out(line(token));
  return 0;
}

function line(token: Answer<'listTokens'>['tokens'][number]): string {
  const state = token.revokedAt
    ? `revoked ${token.revokedAt}`
    : new Date(token.expiresAt) <= new Date()
      ? `expired ${token.expiresAt}`
      : `until ${token.expiresAt}`;
  const used = token.lastUsedAt ? `last used ${token.lastUsedAt}` : 'never used';
  const scopes = token.scopes?.join(' ') ?? 'everything';
  return `${token.id}  ${token.kind}  ${visible(token.subject)}  ${visible(token.name)}  ${scopes}  ${state}  ${used}\n`;
}
