import type { Masker } from '../../masking/engine.ts';
import type { Recorder } from '../../recording/event.ts';
import type { Logger } from '../log.ts';
import type { Rules } from './rules.ts';

/**
 * Records the text of the policy in force, masked, at the start and after each change: every message names the
 * version that it was decided by, and an auditor must be able to say what that version said.
 * @throws RecordingError when the policy at the start could not be recorded
 */
export async function recordPolicy(
  rules: Rules,
  deps: {
    readonly recorder: Recorder;
    readonly masker: () => Masker;
    readonly replica: string;
    readonly log: Logger;
  },
): Promise<void> {
  const write = async (): Promise<void> => {
    const { version } = rules.policy();
    const text = rules.policyText();
    await deps.recorder.append(factsOf(new Date()), {
      kind: 'admin',
      direction: 'none',
      callId: null,
      method: 'policy.inForce',
      tool: null,
      verdict: null,
      rule: null,
      policyVersion: version,
      bytes: deps
        .masker()
        .json(JSON.stringify({ act: 'policy.inForce', version, replica: deps.replica, text })).text,
    });
  };
  await write();
  rules.onChange(() => {
    write().catch((error: Error) =>
      deps.log.error({ err: error }, 'the changed policy is in force, but its text could not be recorded'),
    );
  });
}

function factsOf(now: Date) {
  return {
    sessionId: `admin/${now.toISOString().slice(0, 10)}`,
    connection: 'holdpoint',
    callerKey: 'holdpoint',
    subject: 'holdpoint',
    client: null,
    credentialId: null,
  };
}
