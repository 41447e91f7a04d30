import type { SealedCopies } from '../../recording/sealed-copy.ts';
import type { Config } from '../config/config.ts';

/**
 * What a gateway's recorder is told of sealed copies.
 * @throws Error where this process could open what it seals
 */
export function sealedCopiesOf(breakGlass: Config['keys']['breakGlass']): SealedCopies | null {
  if (!breakGlass) return null;
  const { publicKey, privateKey, connections } = breakGlass;
  if (privateKey !== null)
    throw new Error(
      'keys.breakGlass.privateKey is set for a gateway: it must not be able to open what it seals. Set it for the console alone (HOLDPOINT_KEYS_BREAK_GLASS_PRIVATE_KEY there), or keep it offline',
    );
  return { publicKey, connections: new Set(connections) };
}
