import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import { batchCard } from '../../slack-app/batch-card.ts';
import { card } from '../../slack-app/card.ts';
import { homeView } from '../../slack-app/home.ts';
import { denyModal, detailsModal } from '../../slack-app/modals.ts';
import { noBrowser, testBrowser } from '../support/browser.ts';
import { slackPage } from '../support/slack-html.ts';
import { grantModal } from '../../slack-app/grant-blocks.ts';
import { markModal } from '../../slack-app/task-blocks.ts';
import { batches, extremeBatches } from './batch-samples.ts';
import {
  beyondOne,
  everyState,
  hostileTexts,
  listedGrantSaying,
  plainRequest,
  sampleOffer,
} from './samples.ts';

const links = { consoleUrl: 'http://127.0.0.1:8471' };

/** Everything a person can see in Slack, hostile text included. */
function everything() {
  const long = { ...plainRequest, shownArgs: JSON.stringify({ text: 'x'.repeat(30_000) }) };
  const wide = {
    ...plainRequest,
    tool: 'n'.repeat(400),
    shownArgs: JSON.stringify({ text: 'w'.repeat(2000) }),
  };
  const hostile = Object.entries(hostileTexts).map(([name, text]) => {
    const said = { tool: text, subject: text, client: text, reason: text };
    return { name, ...card({ ...plainRequest, ...said, shownArgs: JSON.stringify({ text }) }, links) };
  });
  const views = [
    { name: 'deny', view: denyModal(plainRequest, '{}', 1) },
    { name: 'deny all', view: denyModal(plainRequest, '{}', 3) },
    { name: 'grant', view: grantModal(plainRequest, sampleOffer, '{}') },
    { name: 'mark', view: markModal(plainRequest, 'happened', '{}') },
    { name: 'details', view: detailsModal(wide, links.consoleUrl) },
    {
      name: 'home',
      view: homeView(
        {
          waiting: [plainRequest, wide],
          others: 3,
          decided: [wide],
          grants: [listedGrantSaying('query')],
          unknown: [plainRequest],
        },
        links,
      ),
    },
  ];
  return [
    ...Object.entries({ ...everyState, ...beyondOne, long, wide }).map(([name, request]) => ({
      name,
      ...card(request, links),
    })),
    ...hostile,
    ...[...Object.entries(batches), ...extremeBatches()].map(([name, calls]) => ({
      name,
      ...batchCard(calls, links),
    })),
    ...views.map(({ name, view }) => ({ name, view, blocks: view.blocks })),
  ];
}

it('everything shown in Slack fits the width of a phone', { skip: noBrowser }, async () => {
  await using browser = await testBrowser();
  const page = await browser.page({ viewport: { width: 390, height: 800 } });
  await page.setContent(slackPage(everything()));
  // Runs in the page, whose types are not those of Node.
  const { wide, shown } = await page.evaluate<{ wide: string[]; shown: number }>(`(() => {
    const parts = [...document.querySelectorAll('[data-name]')];
    const tooWide = (part) => [part, ...part.querySelectorAll('*')].some((at) => at.getBoundingClientRect().right > 390);
    return { shown: parts.length, wide: parts.filter(tooWide).map((part) => part.dataset.name) };
  })()`);
  assert.deepEqual(wide, []);
  assert.equal(shown, everything().length);
  if (process.env['UPDATE_PICTURES'] === undefined) return;
  const picture = await browser.page({ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
  const { pending = plainRequest, succeeded = plainRequest } = everyState;
  await picture.setContent(slackPage([pending, succeeded].map((one) => ({ name: '', ...card(one, links) }))));
  const file = new URL('../../docs/images/slack-card.png', import.meta.url);
  await writeFile(file, await picture.screenshot({ fullPage: true }));
  const { 'batch-waiting': waiting, 'batch-partly-decided': partly } = batches;
  const several = [waiting, partly].flatMap((calls) => (calls ? [batchCard(calls, links)] : []));
  await picture.setContent(slackPage(several.map((one) => ({ name: '', ...one }))));
  await writeFile(
    new URL('../../docs/images/slack-batch.png', import.meta.url),
    await picture.screenshot({ fullPage: true }),
  );
  const beyond = Object.values(beyondOne).map((one) => ({ name: '', ...card(one, links) }));
  const modal = grantModal(plainRequest, sampleOffer, '{}');
  await picture.setContent(
    slackPage([
      ...beyond.slice(0, 2),
      { name: '', view: modal, blocks: modal.blocks },
      ...beyond.slice(3, 5),
    ]),
  );
  await writeFile(
    new URL('../../docs/images/slack-beyond.png', import.meta.url),
    await picture.screenshot({ fullPage: true }),
  );
});
