import { createRecordAct } from '../../console/acts.ts';
import type { ActDeps, BreakGlassKeys, CheckPolicy } from '../../console/deps.ts';
import { createLogView } from '../../db/records-log.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { createRecordStore } from '../../db/records.ts';
import { checkMaskingConfig } from '../../masking/check-config.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { readCopyKey } from '../../recording/sealed-copy.ts';
import { createApprovals } from '../../workflows/client.ts';
import { knownScopes } from '../known-scopes.ts';
import { defaultMasker, maskingReasons, ruleFileReader } from '../masking.ts';
import { programVersion } from '../version.ts';
import type { RoleContext } from './context.ts';
import { openConnectDesk } from './credentials.ts';
import { slackStanding } from './slack-parts.ts';
import { temporalLink } from './temporal.ts';

/** What people's acts and looks work with, and its end. */
export interface Acts {
  readonly deps: ActDeps;
  close(): Promise<void>;
}

/**
 * Sets up what operations need (console/api): for the console, and for a command line beside the database. Nothing is
 * connected to before it is needed.
 */
export function openActs(context: RoleContext): Acts {
  const { config, pool, keys, log } = context;
  const link = temporalLink(context);
  const masker = defaultMasker();
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  const recordAct = createRecordAct({ recorder, masker });
  const maskText = (text: string) => masker.text(text).text;
  return {
    deps: {
      pool,
      approvals: maskingReasons(createApprovals(link.client, keys.voteKey)),
      maskText,
      lookIntoSlack: slackStanding(context),
      auditors: config.console.auditors,
      roles: config.roles,
      containment: { maskText, cancelWorkflow: createApprovals(link.client, null).cancel },
      recordings: {
        reader: createRecordReader(pool),
        keyRing: keys.keyRing,
        recordAct,
        log: keys.logSigner ? { view: createLogView(pool), vkey: keys.logSigner.vkey } : null,
      },
      breakGlass: breakGlassKeys(context),
      definitions: keys.voteKey && { voteKey: keys.voteKey, recordAct, maskText },
      checkPolicy: policyChecker(context),
      version: programVersion(),
      connections: openConnectDesk(context, () => config.console.publicUrl.replace(/\/$/, '')),
      tokens: { longestMs: config.identity.accessTokens.longestMs, scopes: knownScopes(config) },
      votePublicKeys: keys.votePublicKeys,
      log,
    },
    close: async () => {
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
