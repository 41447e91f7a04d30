import { readRpc, RpcError, type RpcEnvelope } from '../mcp/rpc-message.ts';
import { StrictJsonError } from '../mcp/strict-json.ts';
import { withoutForms } from './own-secrets.ts';

/** How a text of upstream's is read. */
export interface ReadingRules {
  /** Forms of Holdpoint's own secrets, which are taken out first. */
  readonly forms: readonly string[];
  /** Deepest nesting allowed. */
  readonly depth: number;
}

/** The messages of a text, or why it holds none; the reason never quotes the text. */
export type ReadText =
  | { readonly messages: readonly RpcEnvelope[]; readonly batch: boolean; readonly problem: null }
  | { readonly problem: string };

/** Reads what upstream sent as one message or a batch of them, strictly, without Holdpoint's own secrets. */
export function readText(text: string, { forms, depth }: ReadingRules): ReadText {
  try {
    const { messages, batch } = readRpc(withoutForms(text, forms), { depth, loneSurrogates: 'allow' });
    return { messages, batch, problem: null };
  } catch (error) {
    if (error instanceof StrictJsonError || error instanceof RpcError) return { problem: error.message };
    throw error;
  }
}
