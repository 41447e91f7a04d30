import { readFile, writeFile } from 'node:fs/promises';
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { startConformanceServer } from '../support/conformance/server.ts';
import { createSite } from '../support/site.ts';
import { holdingColumns, type World } from './holding.ts';
import { type ClientRow, obtainClients } from './installs.ts';
import { passingCell, passingColumns } from './passing.ts';

/**
 * Runs real clients through the gateway, two replicas and a worker as processes of their own, and writes what each
 * got to docs/clients.md. Ends with 1 when a client gets less than directly, or when the outcome of a held call is
 * lost or doubled. Usage: node test/clients/matrix.ts [--check] [client …]; `--check` writes nothing.
 */
async function main(args: readonly string[]): Promise<number> {
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  const rows = (await obtainClients()).filter(({ id }) => wanted.length === 0 || wanted.includes(id));
  const executions = new Map<string, number>();
  await using upstream = await startConformanceServer({ also: (server) => registerMore(server, executions) });
  await using site = await createSite({
    gateways: 2,
    connections: Object.fromEntries(rows.map(({ id }) => [id, { url: upstream.url }])),
    policy: {
      default: { then: 'pass' },
      approvers: { ops: { people: ['ops@example.com'] } },
      rules: [{ name: 'held', match: { tool: 'held' }, then: 'hold', approvers: ['ops'], timeout: '10m' }],
    },
  });
  let [first] = await Promise.all([site.start('gateway', 0), site.start('gateway', 1), site.start('worker')]);
  const world: World = {
    site,
    executions: (mark) => executions.get(mark) ?? 0,
    restartGateway: async () => {
      await first.kill();
      first = await site.start('gateway', 0);
    },
  };
  const table = new Map<string, string[]>(rows.map(({ id }) => [id, []]));
  const problems: string[] = [];
  for (const column of passingColumns) {
    progress(column.title);
    for (const row of rows) {
      const { text, worse } = await passingCell(row, column, {
        direct: upstream.url,
        gateway: site.url(row.id),
      });
      table.get(row.id)?.push(text);
      if (worse) problems.push(worse);
    }
  }
  for (const column of holdingColumns) {
    progress(column.title);
    const cells = await column.run(world, rows);
    for (const { id, title } of rows) {
      const cell = cells.get(id) ?? '**missing**';
      table.get(id)?.push(cell);
      progress(`  ${title}: ${cell}`);
      if (cell.includes('**')) problems.push(`${title}, ${column.title}: ${cell}`);
    }
  }
  const text = markdown(rows, table);
  process.stdout.write(`${text}\n`);
  if (!args.includes('--check') && wanted.length === 0) await write(text);
  for (const problem of problems) process.stdout.write(`✖ ${problem}\n`);
  process.stdout.write(`${table.size} clients, ${problems.length} problems\n`);
  return problems.length > 0 ? 1 : 0;
}

function registerMore(server: McpServer, executions: Map<string, number>): void {
  server.registerTool(
    'held',
    { description: 'Runs once a person has agreed', inputSchema: z.object({ mark: z.string() }) },
    async ({ mark }) => {
      executions.set(mark, (executions.get(mark) ?? 0) + 1);
      return { content: [{ type: 'text', text: `ran ${mark}` }] };
    },
  );
  server.registerTool(
    'wait',
    { description: 'Waits', inputSchema: z.object({}) },
    async (_args, { mcpReq }) => {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, 20_000);
        mcpReq.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          done();
        });
      });
      return { content: [{ type: 'text', text: 'waited' }] };
    },
  );
}

function markdown(rows: readonly ClientRow[], table: ReadonlyMap<string, readonly string[]>): string {
  const titles = [...passingColumns, ...holdingColumns].map(({ title }) => title);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['client', ...titles]),
    line(['---', ...titles.map(() => '---')]),
    ...rows.map(({ id, title }) => line([title, ...(table.get(id) ?? [])])),
  ].join('\n');
}

const mark = '<!-- written by `npm run clients`; do not edit below -->';

async function write(text: string): Promise<void> {
  const file = new URL('../../docs/clients.md', import.meta.url);
  const [words] = (await readFile(file, 'utf8')).split(mark);
  await writeFile(file, `${words}${mark}\n\n${text}\n`);
}

function progress(what: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);
}

process.exitCode = await main(process.argv.slice(2));
