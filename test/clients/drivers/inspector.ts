import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { persist, readPlan, say, textOf } from './plan.ts';

/** The Inspector's command line: one process a call, no person and no model at its side. */
const plan = readPlan();
const program = fileURLToPath(
  new URL(
    '../../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);

async function inspect(args: readonly string[], limitMs: number | null): Promise<unknown> {
  const child = spawn(process.execPath, [program, '--cli', plan.url, '--transport', 'http', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(limitMs !== null && { timeout: limitMs }),
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  await new Promise((done) => child.once('close', done));
  if (child.signalCode) throw new Error('stopped by its user');
  const json = out.indexOf('{');
  if (json < 0) throw new Error(err.trim().split('\n').at(-1) ?? 'it printed nothing');
  return JSON.parse(out.slice(json));
}

const { call } = plan;
if (!call) {
  const { tools } = (await inspect(['--method', 'tools/list'], null)) as { tools: unknown[] };
  say({ event: 'tools', count: tools.length });
} else {
  const pairs = Object.entries(call.args).flatMap(([name, value]) => [
    '--tool-arg',
    `${name}=${String(value)}`,
  ]);
  await persist(plan, async () =>
    textOf(
      await inspect(
        ['--method', 'tools/call', '--tool-name', call.tool, ...pairs],
        plan.cancelAfterMs ?? plan.timeoutMs,
      ),
    ),
  );
}
