import { resolve } from 'node:path';
import { parseDuration } from '../../policy/durations.ts';
import type { Problem } from '../../policy/problems.ts';
import type { CheckpointTarget, RecordingConfig } from './config.ts';
import { decodeKey } from './forms.ts';
import type { ConfigFile } from './schema.ts';

/** The `recording` section as the program uses it. */
export function recordingOf(
  { checkpoints, signingKey, retention, purgeEvery, ...rest }: ConfigFile['recording'],
  { baseDir, dataDir }: { readonly baseDir: string; readonly dataDir: string },
): RecordingConfig {
  const targets = (checkpoints ?? []).map((target): CheckpointTarget => {
    if ('file' in target) return { kind: 'file', path: resolve(baseDir, target.file) };
    if ('s3' in target) return { kind: 's3', ...target.s3 };
    if ('slack' in target)
      return { kind: 'slack', channel: target.slack.channel, everyMs: toMs(target.slack.every) };
    const secret =
      target.secret === undefined ? null : Buffer.from(target.secret.slice('whsec_'.length), 'base64');
    return { kind: 'webhook', url: target.webhook, secret: secret === null ? null : new Uint8Array(secret) };
  });
  return {
    ...rest,
    signingKey: signingKey === undefined ? null : decodeKey(signingKey),
    retention: retention.map(({ connection, risk, keep }) => ({
      connection: connection ?? null,
      risks: risk === undefined ? null : [risk].flat(),
      keepMs:
        keep === 'forever' ? null : Number(keep.slice(0, -1)) * (keep.endsWith('d') ? 86_400_000 : 3_600_000),
    })),
    purgeEveryMs: toMs(purgeEvery),
    checkpoints: targets.length > 0 ? targets : [{ kind: 'file', path: resolve(dataDir, 'checkpoint') }],
  };
}

/** Targets in Slack where Slack is not configured. */
export function slackCheckpoints({ recording, slack }: ConfigFile): readonly Problem[] {
  return (recording.checkpoints ?? []).flatMap((target, index) =>
    'slack' in target && slack === undefined
      ? [
          {
            path: ['recording', 'checkpoints', index, 'slack'],
            message: 'needs `slack.botToken`: checkpoints are posted by the app that is configured there',
          },
        ]
      : [],
  );
}

/** Milliseconds of a duration that the schema has accepted. */
export function toMs(text: string): number {
  const duration = parseDuration(text);
  if (duration === null) throw new Error('a duration got past the schema');
  return duration;
}
