import { randomBytes } from 'node:crypto';
import { type KeyRing, newDataKey } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';

/** What a task's own key seals; nothing sealed as one can be read as another. */
export type Sealed = 'upstream id' | 'response' | 'inputs' | 'message';

/** A task's key, and how it is stored. */
export interface TaskKey {
  readonly key: Uint8Array;
  readonly kekId: string;
  readonly wrappedKey: Uint8Array;
}

/** An id that cannot be guessed: `tk_` and 128 bits. */
export function newTaskId(): string {
  return `tk_${randomBytes(16).toString('base64url')}`;
}

export async function newTaskKey(keyRing: KeyRing, taskId: string): Promise<TaskKey> {
  const key = newDataKey();
  const { kekId, wrapped } = await keyRing.wrap(key, `mcp task ${taskId}`);
  return { key, kekId, wrappedKey: wrapped };
}

/** @throws Error when the key ring does not have the key, or the row was altered */
export function openTaskKey(
  keyRing: KeyRing,
  task: { readonly taskId: string; readonly kekId: string; readonly wrappedKey: Uint8Array },
): Promise<Uint8Array> {
  return keyRing.unwrap({ kekId: task.kekId, wrapped: task.wrappedKey }, `mcp task ${task.taskId}`);
}

export function sealForTask(key: Uint8Array, taskId: string, what: Sealed, text: string): Buffer {
  return seal(key, Buffer.from(text), `mcp task ${taskId} ${what}`);
}

/** @throws Error when it was changed, or belongs to another task or another use */
export function unsealForTask(key: Uint8Array, taskId: string, what: Sealed, sealed: Uint8Array): string {
  return unseal(key, sealed, `mcp task ${taskId} ${what}`).toString();
}
