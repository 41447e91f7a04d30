import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** ARCHITECTURE.md, "Rooms": which room may import which. `room/file` narrows to one file. */
const mayImport: Record<string, readonly string[]> = {
  policy: [],
  masking: [],
  recording: [],
  db: [],
  workflows: [],
  activities: ['workflows/contract', 'db', 'recording', 'slack-app/card', 'slack-app/card-news'],
  'slack-app': ['workflows/contract', 'workflows/client', 'workflows/quorum', 'db'],
  gateway: [
    'policy',
    'masking',
    'recording',
    'db',
    'workflows/contract',
    'workflows/client',
    'workflows/vote',
    'workflows/quorum',
    'workflows/definition-decision',
  ],
  console: [
    'workflows/contract',
    'workflows/client',
    'workflows/quorum',
    'workflows/definition-decision',
    'workflows/signed-statement',
    'db',
    'recording',
    'policy/claims',
  ],
  connector: ['gateway/mcp'],
};
/** Types of the pure rooms (and of activities, for workflows) may be imported anywhere below. */
const typesOnly: Record<string, readonly string[]> = {
  workflows: ['policy', 'masking', 'activities'],
  db: ['policy', 'masking', 'recording', 'workflows/contract'],
  activities: ['policy', 'masking', 'workflows'],
  'slack-app': ['policy', 'masking', 'recording'],
  recording: ['masking', 'policy'],
  masking: ['policy'],
  console: ['policy', 'masking', 'gateway'],
  gateway: ['workflows'],
};
/** Single files with a duty that needs one import more, each with its reason. */
const exceptions: Record<string, readonly string[]> = {
  // Not bundled: encrypts what Temporal stores.
  'workflows/client.ts': ['recording'],
  'workflows/codec.ts': ['recording'],
};
const free = new Set(['cli', 'test', 'bench']);
const sources = globSync(
  '{policy,masking,recording,workflows,db,activities,slack-app,gateway,console,connector,cli}/**/*.ts',
);

interface Import {
  target: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s+)?([^'";]*?)from\s+'(\.[^']+)'/gm)) {
    const names =
      (match[2] ?? '')
        .match(/\{([^}]*)\}/)?.[1]
        ?.split(',')
        .map((name) => name.trim())
        .filter(Boolean) ?? [];
    const allTypes = names.length > 0 && names.every((name) => name.startsWith('type '));
    found.push({
      target: normalize(join(dirname(file), match[3] ?? '')),
      typeOnly: Boolean(match[1]) || allTypes,
    });
  }
  return found;
}

function allowed(list: readonly string[], target: string): boolean {
  return list.some((entry) => target.startsWith(`${entry}/`) || target === `${entry}.ts`);
}

test('every room imports only what the table of rooms allows', () => {
  const broken: string[] = [];
  for (const file of sources) {
    const room = file.split('/')[0] ?? '';
    if (free.has(room)) continue;
    for (const { target, typeOnly } of importsOf(file)) {
      if (target.startsWith(`${room}/`)) continue;
      const permitted =
        allowed(mayImport[room] ?? [], target) ||
        allowed(exceptions[file] ?? [], target) ||
        (typeOnly && allowed(typesOnly[room] ?? [], target));
      if (!permitted) broken.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('no activity code can reach the workflow bundle', () => {
  const bundled = new Set<string>();
  const visit = (file: string): void => {
    if (bundled.has(file)) return;
    bundled.add(file);
    for (const { target, typeOnly } of importsOf(file)) if (!typeOnly) visit(target);
  };
  visit('workflows/index.ts');
  const strangers = [...bundled].filter(
    (file) => !file.startsWith('workflows/') || file === 'workflows/client.ts',
  );
  assert.deepEqual(strangers, []);
});

test('no import cycles', () => {
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const { target, typeOnly } of importsOf(file)) if (!typeOnly) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of sources) visit(file);
  assert.deepEqual(cycles, []);
});

test('files stay small enough to read in one go', () => {
  const long = sources
    .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > 301)
    // Detector rules are data, one entry a rule.
    .filter(({ file }) => !/^masking\/(?:rules|detectors|data)\//.test(file));
  assert.deepEqual(long, []);
});

test('there are no catch-all folders and no barrels', () => {
  const names = sources.filter((file) =>
    /(?:^|\/)(?:utils?|helpers?|common|misc|lib)(?:\/|\.ts$)/.test(file),
  );
  assert.deepEqual(names, []);
  const barrels = sources.filter((file) => file.endsWith('/index.ts') && file !== 'workflows/index.ts');
  assert.deepEqual(barrels, []);
});

test('only the masking room makes masked values', () => {
  const makers = sources.filter(
    (file) => !file.startsWith('masking/') && /\basMasked\b/.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(makers, []);
});

test('top-level folders are the rooms and what the project needs around them', () => {
  const known = new Set([
    ...Object.keys(mayImport),
    ...free,
    'docs',
    'deploy',
    'node_modules',
    '.git',
    '.ci',
    '.holdpoint',
    '.github',
  ]);
  const folders = readdirSync('.', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    folders.map(({ name }) => name).filter((name) => !known.has(name)),
    [],
  );
});

test('the lock file holds no registry address but the default', () => {
  const hosts = new Set(
    [...readFileSync('package-lock.json', 'utf8').matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(
      (match) => match[1],
    ),
  );
  assert.deepEqual(
    [...hosts].filter((host) => host !== 'registry.npmjs.org'),
    [],
  );
});

test('the lock file knows the packages of every platform, so that npm ci works wherever it was made', () => {
  type Entry = { optionalDependencies?: Record<string, string> };
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Entry>;
  };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !Object.hasOwn(packages, `node_modules/${name}`) &&
        !Object.hasOwn(packages, `${path}/node_modules/${name}`),
    ),
  );
  assert.deepEqual(missing, []);
});
