import type { DefinitionRow, DefinitionState } from '../../db/tool-definitions.ts';
import type { DefinitionMode } from '../../policy/definitions.ts';

/** A stored definition, and whether a signature proves that a person accepted it. */
export interface KnownDefinition extends DefinitionRow {
  readonly accepted: boolean;
}

/** Why a caller may not see or use a tool. */
export interface Block {
  /** What people accept or reject. */
  readonly definitionId: string;
  readonly why: 'new' | 'changed' | 'rejected';
  readonly hash: string;
}

/** Characters by which a name looks like another, or like nothing: such a name is never trusted on first use. */
const deceptive = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * The state of a definition that a list had.
 * @param rows all that is stored of its tool
 */
export function stateOf(
  mode: Exclude<DefinitionMode, 'open'>,
  rows: readonly KnownDefinition[],
  seen: { readonly hash: string; readonly name: string },
): DefinitionState {
  const known = rows.find((row) => row.hash === seen.hash);
  if (known?.state === 'rejected') return 'rejected';
  if (known?.state === 'pinned') return mode === 'approve' && !known.accepted ? 'quarantined' : 'pinned';
  const untouched = rows.every((row) => row.state === 'quarantined' && row.jws === null);
  return mode === 'trust-on-first-use' && untouched && !deceptive.test(seen.name) ? 'pinned' : 'quarantined';
}

/** Whether a tool is kept from callers, by what is in force of it; null when it is not. */
export function blockOf(
  mode: Exclude<DefinitionMode, 'open'>,
  current: KnownDefinition,
  pinned: KnownDefinition | null,
): Block | null {
  const { definitionId, hash, state } = current;
  if (state === 'pinned' && (mode !== 'approve' || current.accepted)) return null;
  if (state === 'rejected') return { definitionId, hash, why: 'rejected' };
  return { definitionId, hash, why: pinned && pinned.hash !== hash ? 'changed' : 'new' };
}
