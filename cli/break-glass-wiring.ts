import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createRecordAct } from '../console/acts.ts';
import { createRecordReader } from '../db/records-read.ts';
import { createRecordStore } from '../db/records.ts';
import { createRecorder } from '../recording/recorder.ts';
import { copyPublicKey, readCopyKey } from '../recording/sealed-copy.ts';
import { atCommandLine, opened } from './command-wiring.ts';
import type { Invocation } from './main.ts';
import { defaultMasker } from './masking.ts';

/** `holdpoint break-glass …` */
export async function breakGlass(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/break-glass.ts');
  const { argv, cwd, out, err } = invocation;
  return opened(invocation, async ({ config, pool, keys }) => {
    const settings = config.keys.breakGlass;
    if (!settings) throw new Error('keys.breakGlass is not set: no sealed copies are kept');
    if (!keys.voteKey)
      throw new Error('keys.votes.privateKey is not set: what two people agree on is signed with it');
    const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
    const masker = defaultMasker();
    try {
      return await run(argv, {
        desk: {
          pool,
          roles: config.roles,
          voteKey: keys.voteKey,
          votePublicKeys: keys.votePublicKeys,
          reader: createRecordReader(pool),
          keyRing: keys.keyRing,
          recordAct: createRecordAct({ recorder, masker }),
          maskText: (text) => masker.text(text).text,
          now: () => new Date(),
        },
        identity: () => atCommandLine(config, pool, invocation),
        async privateKey(file) {
          const text = file === undefined ? settings.privateKey : await readFile(resolve(cwd, file), 'utf8');
          if (text === null)
            throw new Error(
              'keys.breakGlass.privateKey is not set: name the file that holds it with --key FILE',
            );
          const key = readCopyKey(text);
          if (!copyPublicKey(key).equals(settings.publicKey))
            throw new Error('this is not the private half of keys.breakGlass.publicKey');
          return key;
        },
        out,
        err,
      });
    } finally {
      await recorder.close();
    }
  });
}
