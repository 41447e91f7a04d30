import type { MaskingEngine } from '../masking/engine.ts';
import type { Classified, MaskedExchange } from './exchange.ts';

/** Masks the client's message for all eyes but upstream's, by the profile that policy chose. */
export function mask(
  deps: { readonly maskers: () => MaskingEngine },
  classified: Classified,
): MaskedExchange {
  const masker = deps.maskers().masker(classified.verdict.maskProfile);
  return { ...classified, masker, maskedJson: masker.message(classified.message.json).text };
}
