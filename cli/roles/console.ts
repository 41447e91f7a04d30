import { existsSync } from 'node:fs';
import { createRecordAct } from '../../console/acts.ts';
import { startConsole } from '../../console/server.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { createRecordStore } from '../../db/records.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { readCopyKey } from '../../recording/sealed-copy.ts';
import { createApprovals } from '../../workflows/client.ts';
import type { BreakGlassKeys, CheckPolicy } from '../../console/deps.ts';
import { checkMaskingConfig } from '../../masking/check-config.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { knownScopes } from '../known-scopes.ts';
import { programVersion } from '../version.ts';
import { defaultMasker, maskingReasons, ruleFileReader } from '../masking.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { openConnectDesk } from './credentials.ts';
import { openRules } from './rules.ts';
import { slackStanding } from './slack-parts.ts';
import { temporalLink } from './temporal.ts';

/**
 * Serves the web console.
 * @throws Error when this process cannot sign decisions; ConsoleError when nobody could log in
 */
export async function startConsoleRole(
  context: RoleContext,
): Promise<RunningRole & { loginLink(): string | null }> {
  const { config, pool, keys, log } = context;
  if (!keys.voteKey) throw new Error('keys.votes.privateKey is not set: the console signs decisions with it');
  const link = temporalLink(context);
  const login =
    config.console.login ??
    (keys.consoleCredential ? ({ mode: 'local', credential: keys.consoleCredential } as const) : null);
  // A console of its own may be deployed without the policy: its page then says so.
  const rules = existsSync(config.policy) ? await openRules(context) : null;
  const masker = defaultMasker();
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  const running = await startConsole({
    listen: config.console.listen,
    publicUrl: config.console.publicUrl,
    pool,
    approvals: maskingReasons(createApprovals(link.client, keys.voteKey)),
    maskText: (text) => masker.text(text).text,
    login,
    lookIntoSlack: slackStanding(context),
    auditors: config.console.auditors,
    roles: config.roles,
    containment: {
      maskText: (text) => masker.text(text).text,
      cancelWorkflow: createApprovals(link.client, null).cancel,
    },
    recordings: {
      reader: createRecordReader(pool),
      keyRing: keys.keyRing,
      recordAct: createRecordAct({ recorder, masker }),
      log: keys.logSigner ? { view: createLogView(pool), vkey: keys.logSigner.vkey } : null,
    },
    breakGlass: breakGlassKeys(context),
    rules,
    definitions: {
      voteKey: keys.voteKey,
      recordAct: createRecordAct({ recorder, masker: defaultMasker() }),
      maskText: (text) => defaultMasker().text(text).text,
    },
    checkPolicy: policyChecker(context),
    version: programVersion(),
    connections: openConnectDesk(context, () => config.console.publicUrl.replace(/\/$/, '')),
    tokens: { longestMs: config.identity.accessTokens.longestMs, scopes: knownScopes(config) },
    log,
  });
  return {
    name: 'console',
    url: running.publicUrl,
    loginLink: () => running.loginLink(),
    stop: async () => {
      await running.stop();
      await rules?.close();
      await recorder.close();
      await link.close();
    },
  };
}

/** null where no sealed copies are kept, and nobody signs in who could ask for them. */
function breakGlassKeys({ config, keys }: RoleContext): BreakGlassKeys | null {
  const { breakGlass } = config.keys;
  if (!breakGlass || !keys.voteKey) return null;
  const { privateKey } = breakGlass;
  const { voteKey, votePublicKeys } = keys;
  return { voteKey, votePublicKeys, privateKey: privateKey === null ? null : readCopyKey(privateKey) };
}

/** Checks the text of a policy as `holdpoint policy check` does, with the connections that are configured. */
function policyChecker({ config, together }: RoleContext): CheckPolicy {
  const readText = ruleFileReader(config.policy);
  return (text) => {
    const compiled = compilePolicy(text, {
      file: 'policy.yaml',
      connections: Object.keys(config.connections),
      slackConfigured: together ? config.slack !== null : null,
      checkMasking: (value) => checkMaskingConfig(value, readText),
    });
    return 'errors' in compiled
      ? compiled.errors.map(({ line, path, message }) => ({ line, path, message }))
      : [];
  };
}
