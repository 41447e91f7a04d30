import { existsSync } from 'node:fs';
import type { SignInTokens } from '../../console/deps.ts';
import { startConsole } from '../../console/server.ts';
import { apiTokens } from '../../gateway/authorize/api-tokens.ts';
import { openActs } from './acts.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { apiTarget } from './identifying.ts';
import { readyMaskReport } from './mask-report.ts';
import { openRules } from './rules.ts';

/**
 * Serves the web console.
 * @throws Error when this process cannot sign decisions; ConsoleError when nobody could log in
 */
export async function startConsoleRole(
  context: RoleContext,
): Promise<RunningRole & { loginLink(): string | null }> {
  const { config, keys } = context;
  if (!keys.voteKey) throw new Error('keys.votes.privateKey is not set: the console signs decisions with it');
  const login =
    config.console.login ??
    (keys.consoleCredential ? ({ mode: 'local', credential: keys.consoleCredential } as const) : null);
  // A console of its own may be deployed without the policy: its page then says so.
  const rules = existsSync(config.policy) ? await openRules(context) : null;
  const acts = openActs(context);
  const running = await startConsole({
    ...acts.deps,
    listen: config.console.listen,
    publicUrl: config.console.publicUrl,
    login,
    rules,
    maskReport: rules && readyMaskReport(context, rules),
    signIns: signInTokens(context),
  });
  return {
    name: 'console',
    url: running.publicUrl,
    loginLink: () => running.loginLink(),
    stop: async () => {
      await running.stop();
      await rules?.close();
      await acts.close();
    },
  };
}

/** How the tokens of `holdpoint login` are checked; null where there is no built-in authorization server. */
function signInTokens({ config, pool, keys }: RoleContext): SignInTokens | null {
  if (!config.identity.authorizationServer) return null;
  const { resource, client } = apiTarget(config);
  const issuer = config.agents.publicUrl;
  return apiTokens({ pool, keyRing: keys.keyRing, issuer, resource, clientId: client.id });
}
