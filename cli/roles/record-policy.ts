import type { Masker } from '../../masking/engine.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Recorder } from '../../recording/event.ts';
import type { Rules } from './rules.ts';

/**
 * Records the text of the policy, masked, at the start and with each change before it is in force: every message names
 * the version that it was decided by, and an auditor must be able to say what that version said. A change that cannot
 * be recorded is not in force.
 * @throws RecordingError when the policy at the start could not be recorded
 */
export async function recordPolicy(
  rules: Pick<Rules, 'beforeChange' | 'policy' | 'policyText'>,
  deps: {
    readonly recorder: Recorder;
    readonly masker: () => Masker;
    readonly replica: string;
  },
): Promise<void> {
  const write = async ({ version }: Policy, text: string): Promise<void> => {
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
  rules.beforeChange(write);
  await write(rules.policy(), rules.policyText());
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
