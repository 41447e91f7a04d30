import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { header } from '../../slack-app/blocks.ts';
import { batchCard } from '../../slack-app/batch-card.ts';
import { card } from '../../slack-app/card.ts';
import { homeView } from '../../slack-app/home.ts';
import { denyModal, detailsModal, noticeModal } from '../../slack-app/modals.ts';
import { grantModal } from '../../slack-app/grant-blocks.ts';
import { markModal } from '../../slack-app/task-blocks.ts';
import { batches, extremeBatches } from './batch-samples.ts';
import {
  beyondOne,
  contextSaying,
  everyState,
  extremeArguments,
  hostileBeyond,
  hostileTexts,
  listedGrantSaying,
  plainRequest,
  sampleOffer,
} from './samples.ts';

const run = promisify(execFile);
const validator = fileURLToPath(new URL('./validate_blocks.py', import.meta.url));
const links = { consoleUrl: 'http://127.0.0.1:8471' };

let library: string;
let unavailable: string | null = null;

before(async () => {
  library = await mkdtemp(join(tmpdir(), 'holdpoint-slack-sdk-'));
  try {
    await run(
      'python3',
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-deps',
        '--no-compile',
        '--target',
        library,
        'slack_sdk==3.47.*',
      ],
      { timeout: 60_000 },
    );
  } catch (error) {
    unavailable = `python3 with pip and the package slack_sdk 3.47 is needed: ${String(error).split('\n')[0]}`;
  }
});
after(() => rm(library, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly kind: 'message' | 'view';
  readonly blocks: readonly unknown[];
  readonly text?: string;
  readonly view?: object;
}

function* cases(): Generator<Case> {
  const requests = [
    ...Object.entries(everyState),
    ...Object.entries(extremeArguments()).map(
      ([name, shownArgs]) => [name, { ...plainRequest, shownArgs }] as const,
    ),
    ...Object.entries(hostileTexts).map(([name, text]) => {
      const hostile = { tool: text, connection: text, subject: text, client: text, rule: text, reason: text };
      return [
        `named-${name}`,
        {
          ...plainRequest,
          ...hostile,
          actors: [text],
          approverGroups: [{ name: text, slackUserGroup: text }],
        },
      ] as const;
    }),
  ];
  for (const [name, request] of requests) {
    yield { name: `card ${name}`, kind: 'message', ...card(request, links) };
    yield { name: `brief card ${name}`, kind: 'message', ...card(request, links, { brief: true }) };
    for (const [kind, view] of [
      ['details', detailsModal(request, links.consoleUrl)],
      ['deny', denyModal(request, '{}', 1)],
      ['notice', noticeModal('Notice', `Said: ${request.tool}`)],
      [
        'home',
        homeView(
          { waiting: [request, request], others: 3, decided: [request], grants: [], unknown: [request] },
          links,
        ),
      ],
    ] as const)
      yield { name: `${kind} ${name}`, kind: 'view', view, blocks: view.blocks };
  }
  yield* casesBeyondOne();
  yield* casesOfBatches();
  const many = Array.from({ length: 200 }, () => plainRequest);
  const home = homeView(
    {
      waiting: many,
      others: 0,
      decided: many,
      grants: Array.from({ length: 20 }, () => listedGrantSaying('x')),
      unknown: many,
    },
    links,
  );
  yield { name: 'home many', kind: 'view', view: home, blocks: home.blocks };
}

function* casesOfBatches(): Generator<Case> {
  for (const [name, calls] of [...Object.entries(batches), ...extremeBatches()]) {
    yield { name, kind: 'message', ...batchCard(calls, links) };
    yield { name: `brief ${name}`, kind: 'message', ...batchCard(calls, links, { brief: true }) };
    yield {
      name: `requester's ${name}`,
      kind: 'message',
      ...batchCard(calls, links, { forRequester: true }),
    };
    const view = denyModal(calls[0], JSON.stringify({ callId: 'c'.repeat(100) }), calls.length);
    yield { name: `deny all ${name}`, kind: 'view', view, blocks: view.blocks };
  }
}

function* casesBeyondOne(): Generator<Case> {
  const longs = { long: 'x'.repeat(30_000), huge: '&<'.repeat(500_000) };
  const all = [
    ...Object.entries(beyondOne),
    ...Object.entries({ ...hostileTexts, ...longs }).flatMap(([name, text]) =>
      Object.entries(hostileBeyond(text)).map(([kind, request]) => [`${kind} ${name}`, request] as const),
    ),
    // Much to decide on and much to help with: the call itself goes first.
    ...[3000, 7000, 11_000].map(
      (size) =>
        [
          `context beside ${size}`,
          {
            ...plainRequest,
            shownArgs: JSON.stringify({ text: 'x'.repeat(size) }),
            context: contextSaying('y'.repeat(2900)),
          },
        ] as const,
    ),
  ];
  for (const [name, request] of all) {
    yield { name: `card ${name}`, kind: 'message', ...card(request, links) };
    const offer = request.grantOffer ?? sampleOffer;
    const said = request.task?.takenBy ?? request.context?.resubmits?.by ?? 'name';
    for (const [kind, view] of [
      ['grant', grantModal({ ...request, tool: said }, offer, '{}')],
      ['mark', markModal({ ...request, tool: said }, 'happened', '{}')],
      [
        'home',
        homeView(
          {
            waiting: [],
            others: 0,
            decided: [request],
            grants: [listedGrantSaying(said)],
            unknown: [request],
          },
          links,
        ),
      ],
    ] as const)
      yield { name: `${kind} ${name}`, kind: 'view', view, blocks: view.blocks };
  }
}

it('every card, modal and home view passes the validation of Slack’s own SDK', async (context) => {
  if (unavailable !== null) return context.skip(unavailable);
  const child = spawn('python3', [validator], { env: { ...process.env, PYTHONPATH: library } });
  // One that breaks a rule shows that the validator looks.
  const broken = { ...card(plainRequest, links), blocks: [header('x'.repeat(151))] };
  const all: Case[] = [...cases(), { name: 'broken on purpose', kind: 'message', ...broken }];
  const input = all.map((one) => JSON.stringify(one));
  child.stdin.end(`${input.join('\n')}\n`);
  const chunks: Buffer[] = [];
  child.stderr.pipe(process.stderr);
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString().trim().split('\n');
  const results = lines.map((line) => JSON.parse(line) as { name?: string; checked?: number });
  assert.deepEqual(
    results.map(({ name, checked }) => name ?? checked),
    ['broken on purpose', input.length],
  );
});
