import { setTimeout as sleep } from 'node:timers/promises';
import { type Background, inBackground } from '../background.ts';
import { openCheckpoint } from './checkpoint.ts';
import type { LogStore } from './log-store.ts';
import { noteVerifier, type NoteSigner } from './note.ts';
import { sequence } from './sequence.ts';
import { nodesIn } from './tiles.ts';
import type { Witness } from './witness.ts';

/** Somewhere a checkpoint is kept that whoever holds the database cannot change. */
export interface CheckpointPublisher {
  /** For error reports. */
  readonly name: string;
  /** Keeps the checkpoint. Called again with the same one, or a later one, after a failure. */
  publish(checkpoint: { size: number; note: string }): Promise<void>;
  /** The latest checkpoint kept there, where that can be asked. */
  latest?(): Promise<string | null>;
}

export interface LogDeps {
  readonly store: LogStore;
  readonly signer: NoteSigner;
  readonly publishers: readonly CheckpointPublisher[];
  readonly witnesses: readonly Witness[];
  /** Told of everything that fails; the next step tries again. Something must alert people on `LogError`. */
  readonly onError: (error: Error, doing: string) => void;
  /** How often new records are taken in, default 1000. */
  readonly intervalMs?: number;
  /** How often an unchanged head is published again, so that silence is attested too, default 10 minutes. */
  readonly heartbeatMs?: number;
}

const maxRecords = 4096;

/**
 * Keeps the log going: takes in what was recorded, signs, collects witnesses' signatures, publishes. Any number of
 * processes may run it; one leads at a time, another takes over when it is gone.
 * @returns stops it, after a last step
 */
export function startLog(deps: LogDeps): Background {
  return inBackground((stopping) => run(deps, stopping));
}

async function run(deps: LogDeps, stopping: AbortSignal): Promise<void> {
  let seen: string | null = null;
  let asked = false;
  let published = { size: -1, atMs: 0 };
  const step = async (): Promise<boolean> => {
    if (!asked) {
      const kept = await Promise.all(deps.publishers.map(async (one) => (await one.latest?.()) ?? null));
      seen = newest([seen, ...kept], deps);
    }
    asked = true;
    const done = await sequence(deps.store, deps.signer, { maxRecords, seen });
    if (!done) return false;
    seen = done.checkpoint.note;
    const due = Date.now() - published.atMs >= (deps.heartbeatMs ?? 600_000);
    if (done.size !== published.size || due) {
      await publish(deps, done.checkpoint);
      published = { size: done.size, atMs: Date.now() };
    }
    return done.added >= maxRecords;
  };
  for (let last = false; !last; ) {
    last = stopping.aborted;
    let more = false;
    try {
      more = await step();
    } catch (error) {
      deps.onError(error as Error, 'continuing the log');
    }
    if (last || more) continue;
    await sleep(deps.intervalMs ?? 1000, null, { signal: stopping }).catch(() => {}); // woken early by stop()
  }
}

/** Cosigned where witnesses answer, published wherever that works: one that fails holds up no other. */
async function publish(deps: LogDeps, checkpoint: { size: number; note: string }): Promise<void> {
  let { note } = checkpoint;
  const nodes = nodesIn(deps.store.tiles, checkpoint.size);
  for (const witness of deps.witnesses)
    try {
      note = await witness.cosign({ ...checkpoint, note }, nodes);
    } catch (error) {
      deps.onError(error as Error, `asking the witness ${witness.name}`);
    }
  if (note !== checkpoint.note) await deps.store.addSignatures({ size: checkpoint.size, note });
  await Promise.all(
    deps.publishers.map((publisher) =>
      publisher
        .publish({ size: checkpoint.size, note })
        .catch((error: Error) => deps.onError(error, `publishing to ${publisher.name}`)),
    ),
  );
}

function newest(notes: readonly (string | null)[], deps: LogDeps): string | null {
  const verifier = noteVerifier(deps.signer.vkey);
  let best: { size: number; note: string } | null = null;
  for (const note of notes) {
    if (note === null) continue;
    const { size } = openCheckpoint(note, verifier);
    if (!best || size > best.size) best = { size, note };
  }
  return best?.note ?? null;
}
