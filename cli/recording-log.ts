import { createLogStore } from '../db/records-log.ts';
import type { Pool } from '../db/pool.ts';
import { noteSigner, noteVerifier } from '../recording/log/note.ts';
import { filePublisher } from '../recording/log/publish-file.ts';
import { s3Publisher, webhookPublisher } from '../recording/log/publish-http.ts';
import { type CheckpointPublisher, startLog } from '../recording/log/run.ts';
import { httpWitness } from '../recording/log/witness.ts';
import type { CheckpointTarget, RecordingConfig } from './config/config.ts';

/** The part of a pino logger that is used. */
interface LogOutput {
  error(facts: object, message: string): void;
}

/**
 * Keeps the tamper-evident log going in this process. Harmless in several: one leads at a time.
 * @param seed Ed25519 private key, 32 bytes; the same in every process
 * @returns `vkey`, the public key for auditors, and `stop`, which ends it after a last step
 */
export function startRecordingLog({
  settings,
  seed,
  pool,
  log,
}: {
  readonly settings: RecordingConfig;
  readonly seed: Uint8Array;
  readonly pool: Pool;
  readonly log: LogOutput;
}): { readonly vkey: string; stop(): Promise<void> } {
  const signer = noteSigner(settings.origin, seed);
  const running = startLog({
    store: createLogStore(pool),
    signer,
    publishers: settings.checkpoints.map(publisherOf),
    witnesses: settings.witnesses.map(({ url, key }) => httpWitness(url, noteVerifier(key))),
    onError: (error, doing) =>
      log.error({ err: error }, `the log over the recordings is stuck while ${doing}`),
  });
  return { vkey: signer.vkey, stop: () => running.stop() };
}

function publisherOf(target: CheckpointTarget): CheckpointPublisher {
  if (target.kind === 'file') return filePublisher(target.path);
  return target.kind === 's3' ? s3Publisher(target) : webhookPublisher(target.url, target.secret);
}
