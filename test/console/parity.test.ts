import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Endpoint, Streaming } from '../../console/api/endpoint.ts';
import { endpoints, operations, streamings, streams } from '../../console/api/operations.ts';

/** What each form of the console does: the operations it goes through, or why there is none. */
const forms: Readonly<Record<string, readonly string[] | string>> = {
  '/approvals/:id': ['decide', 'extend'],
  '/together/:id': ['decide'],
  '/approvals/:id/outcome': ['takeOutcome', 'readBackOutcome', 'markOutcome'],
  '/grants/:id/revoke': ['revokeGrant'],
  '/definitions/:id': ['decideDefinition'],
  '/kill-switch': ['freeze', 'unfreeze'],
  '/containment/revoke': ['revoke'],
  '/containment/lift': ['unrevoke'],
  '/break-glass': ['askBreakGlass'],
  '/break-glass/:id': ['answerBreakGlass', 'revokeBreakGlass', 'viewBreakGlass'],
  '/tokens': ['createToken'],
  '/tokens/revoke': ['revokeToken'],
  '/tokens/end': ['endSignIn'],
  '/passkeys/remove': ['removePasskey'],
  '/connections/:name/disconnect': ['disconnect'],
  '/passkeys': 'a passkey is made by the browser that is to use it',
  '/link': 'the code proves a Slack account, the session the person: both at once in one browser',
  '/authorize': 'the answer to a program that waits belongs to the browser that it opened',
  '/connections/:name/connect': 'leads a browser to the page of another server',
  '/masking': ['tryMasking'],
  '/masking/report': ['startMaskReport'],
  '/masking/report/:id/delete': ['deleteMaskReport'],
};

/** Acts that a page has no form for, and why. */
const withoutForm: Readonly<Record<string, string>> = {
  cancel: 'whoever asked withdraws at the command line or through their client',
  holdSessions: 'legal holds are set where purging is done',
  releaseSessions: 'as setting them',
};

/** Acts that no command has, and why. */
const withoutCommand: Readonly<Record<string, string>> = {
  removePasskey: 'passkeys are looked after where they are made: in a browser',
};

const acts = [...endpoints, ...streamings]
  .filter((one: Endpoint | Streaming) => one.method !== 'GET' && one.looks !== true)
  .map(({ id }) => id);

function sourcesOf(pattern: string): string {
  return globSync(pattern)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}

test('no act exists on the console alone: each of its forms goes through operations of the API, or says why not', () => {
  const routes = sourcesOf('console/routes-*.ts');
  const posted = [...routes.matchAll(/\.post(?:<[^(]*>)?\(\s*'([^']+)'/g)].map(([, path = '']) => path);
  assert.deepEqual(posted.toSorted(), Object.keys(forms).toSorted(), 'every form is in the table');
  for (const [path, ids] of Object.entries(forms))
    for (const id of typeof ids === 'string' ? [] : ids) {
      assert.ok(Object.hasOwn(operations, id) || Object.hasOwn(streams, id), `${path}: there is no ${id}`);
      assert.match(
        routes + sourcesOf('console/decision.ts'),
        new RegExp(`(?:operations|streams)\\.${id}\\b`),
      );
    }
});

test('no act exists on the API alone: pages have a form for each and commands do each, or it says why not', () => {
  const onPages = new Set(Object.values(forms).flatMap((ids) => (typeof ids === 'string' ? [] : ids)));
  const commands = sourcesOf('cli/commands/*.ts');
  for (const id of acts) {
    assert.notEqual(onPages.has(id), Object.hasOwn(withoutForm, id), `${id} on the console`);
    const done = new RegExp(`'${id}'`).test(commands);
    assert.notEqual(done, Object.hasOwn(withoutCommand, id), `${id} at the command line`);
  }
});

test('pages and commands change nothing by themselves: only operations write', () => {
  const writers = new RegExp(
    String.raw`\b(?:revokeGrant|takeTask|wantReadBack|revokeTokens|endSignIn|removePasskey|setLegalHold|addLegalHold|releaseLegalHold|decideDefinition|storeToken)\b[^;]*from '[./]*db/`,
  );
  for (const file of [...globSync('console/routes-*.ts'), ...globSync('cli/commands/*.ts')])
    assert.doesNotMatch(readFileSync(file, 'utf8'), writers, file);
});
