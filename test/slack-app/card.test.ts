import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as holds, integer, json, property, string } from '../support/fast-check.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { batchCard } from '../../slack-app/batch-card.ts';
import { limits, weight } from '../../slack-app/blocks.ts';
import { card } from '../../slack-app/card.ts';
import { stateOf } from '../../slack-app/state.ts';
import { batches, extremeBatches } from './batch-samples.ts';
import { laidOut, pieces } from '../../slack-app/layout.ts';
import { visible, visibleLines } from '../../slack-app/text.ts';
import { isTooLong, problemsOf } from '../support/slack-blocks.ts';
import { everyState, extremeArguments, hostileTexts, plainRequest } from './samples.ts';

const links = { consoleUrl: 'http://127.0.0.1:8471' };
const textOf = (value: unknown): string => JSON.stringify(value);
const shows = (value: unknown, actionId: string): boolean => textOf(value).includes(`"${actionId}"`);

/** What stands in the fixed-width boxes, joined. */
function boxes(blocks: readonly unknown[]): string {
  return (blocks as { block_id?: string; elements: { elements: { text: string }[] }[] }[])
    .filter((block) => /^(?:\d+-)?args-/.test(block.block_id ?? ''))
    .map((block) => block.elements[0]?.elements[0]?.text ?? '')
    .join('');
}

/** Every piece of mrkdwn in the blocks. */
function mrkdwnOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mrkdwnOf);
  if (typeof value !== 'object' || value === null) return [];
  const { type, text } = value as { type?: unknown; text?: unknown };
  if (type === 'mrkdwn' && typeof text === 'string') return [text];
  return Object.values(value).flatMap(mrkdwnOf);
}

describe('a card', () => {
  it('never breaks a rule of Block Kit, whatever is in it', () => {
    for (const [name, shownArgs] of Object.entries(extremeArguments()))
      for (const state of [plainRequest, everyState['denied'] ?? plainRequest]) {
        const { blocks } = card({ ...state, shownArgs }, links);
        assert.deepEqual(problemsOf(blocks, 'message'), [], name);
        assert.equal(isTooLong(blocks, 'message'), false, name);
      }
  });

  it('has an Approve button exactly when it shows all arguments, and always Deny', () => {
    for (const [name, shownArgs] of Object.entries(extremeArguments())) {
      const { blocks, whole } = card({ ...plainRequest, shownArgs }, links);
      assert.equal(shows(blocks, actionIds.approve), whole, name);
      assert.equal(shows(blocks, actionIds.deny), true, name);
      assert.equal(boxes(blocks) === laidOut(shownArgs), whole || shownArgs === '', name);
      if (!whole) assert.match(textOf(blocks), /cannot be approved here/, name);
    }
  });

  it('shows 3,000 characters whole and never a million', () => {
    const of = (size: number) =>
      card({ ...plainRequest, shownArgs: JSON.stringify('x'.repeat(size)) }, links);
    assert.equal(of(3000).whole, true);
    assert.equal(of(30_000).whole, false);
    assert.equal(of(1_000_000).whole, false);
    assert.match(textOf(of(1_000_000).blocks), /1,000,002 characters/);
  });

  it('without its arguments has no Approve button', () => {
    const { blocks, whole } = card(plainRequest, links, { brief: true });
    assert.equal(whole, false);
    assert.equal(shows(blocks, actionIds.approve), false);
  });

  it('with a name that is too long to be shown whole cannot approve', () => {
    for (const part of ['tool', 'connection', 'subject', 'client', 'rule', 'method'] as const) {
      const { blocks, whole } = card({ ...plainRequest, [part]: 'n'.repeat(400) }, links);
      assert.equal(whole, false, part);
      assert.match(textOf(blocks), /more characters/, part);
      assert.equal(shows(blocks, actionIds.approve), false, part);
    }
  });

  it('once decided has no buttons, and says the outcome first', () => {
    for (const [name, request] of Object.entries(everyState)) {
      const { blocks } = card(request, links);
      const open = name === 'pending' || name === 'one-of-two';
      assert.equal(shows(blocks, actionIds.deny), open, name);
      if (open) continue;
      assert.match(textOf(blocks[0]), /✅|❌|⚠️|⛔|⌛|🚫/, name);
      assert.equal((blocks[1] as { block_id: string }).block_id, 'outcome', name);
    }
  });

  it('puts nothing into its buttons but the call id', () => {
    const actions = card(plainRequest, links).blocks.find((block) => block.type === 'actions');
    assert.ok(actions?.type === 'actions');
    for (const element of actions.elements)
      assert.equal((element as { value: string }).value, plainRequest.callId);
  });

  it('lets no text of an agent become a mention, a link or markup', () => {
    for (const [name, text] of Object.entries(hostileTexts)) {
      const request = {
        ...plainRequest,
        tool: text,
        connection: text,
        subject: text,
        client: text,
        rule: text,
        reason: text,
        callId: text,
        digest: text,
        actors: [text],
        approverGroups: [{ name: text, slackUserGroup: text }],
        shownArgs: JSON.stringify(text),
        endedBecause: text,
        votes: [{ name: text, decision: 'approve' as const, reason: text, via: text, atMs: 0 }],
      };
      for (const state of ['pending', 'succeeded', 'failed', 'denied', 'unknown'] as const) {
        const { blocks, text: fallback } = card({ ...request, state }, links);
        assert.doesNotMatch(fallback, /[<>]/, name);
        for (const piece of mrkdwnIn(blocks)) {
          const own = piece.replace(
            /<!date\^\d+\^[^<>]*>|<http:\/\/127\.0\.0\.1:8471\/approvals\/[^<>|]*\|open in the console>/g,
            '',
          );
          assert.doesNotMatch(own, /[<>]/, name);
        }
      }
    }
  });

  it('shows invisible and order-changing characters', () => {
    const { blocks } = card(
      { ...plainRequest, tool: 'drop\u202Etable', shownArgs: '{"a":"x\u200by"}' },
      links,
    );
    assert.match(textOf(blocks), /drop⟨U\+202E⟩table/);
    assert.match(textOf(blocks), /x⟨U\+200B⟩y/);
  });
});

function mrkdwnIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mrkdwnIn);
  if (typeof value !== 'object' || value === null) return [];
  const { type, text } = value as { type?: string; text?: unknown };
  if (type === 'mrkdwn' && typeof text === 'string') return [text];
  return Object.values(value).flatMap(mrkdwnIn);
}

describe('a card of several calls', () => {
  it('never breaks a rule of Block Kit, whatever is in it', () => {
    for (const [name, calls] of [...Object.entries(batches), ...extremeBatches()])
      for (const options of [{}, { brief: true }, { forRequester: true }]) {
        const { blocks, text } = batchCard(calls, links, options);
        assert.deepEqual(problemsOf(blocks, 'message'), [], name);
        assert.equal(isTooLong(blocks, 'message'), false, name);
        assert.ok(weight(blocks) <= limits.messageWeight, name);
        assert.ok(text.length < 1000, name);
      }
  });

  it('offers Approve only for what it shows whole, and all at once only what waits', () => {
    for (const [name, calls] of [...Object.entries(batches), ...extremeBatches()]) {
      const { blocks, whole, offers } = batchCard(calls, links);
      const waiting = calls.filter((call) => stateOf(call).open);
      for (const call of waiting) {
        const shown = whole && !call.stepUp;
        assert.equal(textOf(blocks).includes(`"${actionIds.approve}","value":"${call.callId}"`), shown, name);
        if (shown)
          assert.ok(
            boxes(blocks).includes(laidOut(call.shownArgs).trim()) || !laidOut(call.shownArgs).trim(),
            name,
          );
      }
      for (const offer of offers)
        assert.deepEqual(
          offer.calls.map(({ callId }) => callId),
          waiting.map(({ callId }) => callId),
          name,
        );
      if (!whole) assert.ok(!offers.some(({ decision }) => decision === 'approve'), name);
    }
  });

  it('names a set by everything in it: another call, or other content, is another set', () => {
    const { 'batch-waiting': calls } = batches;
    assert.ok(calls);
    const idOf = (of: typeof calls) => batchCard(of, links).offers.map(({ id }) => id);
    const [first, ...others] = calls;
    assert.equal(new Set(idOf(calls)).size, 2, 'approving and denying are named apart');
    assert.notDeepEqual(idOf([{ ...first, digest: 'sha256:00' }, ...others]), idOf(calls));
    assert.notDeepEqual(idOf([first, ...others.slice(1)]), idOf(calls));
    assert.deepEqual(idOf([{ ...first, votes: [] }, ...others]), idOf(calls));
  });

  it('lets no text of an agent become a mention, a link or markup', () => {
    for (const [name, calls] of extremeBatches())
      for (const value of mrkdwnOf(batchCard(calls, links).blocks))
        assert.doesNotMatch(value, /<[!@#](?!date)|<https?:\/\/(?!127)/, name);
  });
});

describe('laying out arguments', () => {
  it('changes nothing but white space outside strings', () => {
    holds(
      property(json(), (text) => {
        const back = laidOut(text).replace(/↵\n *│ /g, '\\n');
        assert.deepEqual(JSON.parse(back), JSON.parse(visibleLines(text)));
      }),
    );
  });

  it('keeps big numbers, duplicate keys and escapes as they are written', () => {
    const text = '{"a":12345678901234567890,"a":1e400,"b":"\\u202e\\"x\\\\"}';
    assert.equal(
      laidOut(text),
      '{\n  "a": 12345678901234567890,\n  "a": 1e400,\n  "b": "\\u202e\\"x\\\\"\n}',
    );
  });

  it('shows a line break inside a string behind a gutter, which no string can leave', () => {
    const text = laidOut(JSON.stringify({ sql: 'select 1\n"dry_run": true' }));
    assert.equal(text, '{\n  "sql": "select 1↵\n  │ \\"dry_run\\": true"\n}');
  });

  it('an escaped backslash before an n is not a line break', () => {
    assert.equal(laidOut('"C:\\\\new"'), '"C:\\\\new"');
  });

  it('cut into pieces loses nothing and cuts no character in two', () => {
    holds(
      property(string({ unit: 'binary', maxLength: 500 }), integer({ min: 2, max: 50 }), (text, most) => {
        const cutUp = pieces(text, most);
        assert.equal(cutUp.join(''), text);
        for (const piece of cutUp) {
          assert.ok(piece.length <= most);
          if (text.isWellFormed()) assert.ok(piece.isWellFormed());
        }
      }),
    );
  });
});

describe('making text visible', () => {
  it('leaves no character that shows as nothing or changes the order', () => {
    holds(
      property(string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(visible(text), /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('leaves ordinary text in any language alone', () => {
    for (const text of ['Zwölf Boxkämpfer', 'Привет, мир', '日本語のテキスト', 'नमस्ते', 'العربية', '👍 ok'])
      assert.equal(visible(text), text);
  });
});

it('where approving takes a proof that Slack cannot give, the card only leads to the console, and still denies', () => {
  const { blocks } = card({ ...plainRequest, stepUp: 'passkey' }, { consoleUrl: 'https://console.example' });
  const actions = blocks.find((block) => block.type === 'actions');
  assert.ok(actions?.type === 'actions');
  assert.deepEqual(
    actions.elements.map((element) => ('action_id' in element ? element.action_id : null)),
    ['hold_step_up', 'hold_deny', 'hold_details'],
  );
  const [leading] = actions.elements;
  assert.ok(leading && 'url' in leading);
  assert.equal(leading.url, `https://console.example/approvals/${plainRequest.callId}`);
});
