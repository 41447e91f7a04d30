import { atCommandLine, opened } from './command-wiring.ts';
import type { Invocation } from './main.ts';
import { defaultMasker } from './masking.ts';

/** `holdpoint grants …` */
export function grants(invocation: Invocation): Promise<number> {
  return runWith('grants', invocation);
}

/** `holdpoint outcomes …` */
export function outcomes(invocation: Invocation): Promise<number> {
  return runWith('outcomes', invocation);
}

async function runWith(command: 'grants' | 'outcomes', invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/grants.ts');
  const masker = defaultMasker();
  return opened(invocation, ({ config, pool }) =>
    run(command, invocation.argv, {
      pool,
      identity: () => atCommandLine(config, pool, invocation, 'requests.decide'),
      maskText: (text) => masker.text(text).text,
      out: invocation.out,
      err: invocation.err,
    }),
  );
}
