import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** The account behind a link code. */
interface LinkOwner {
  readonly key: string;
  readonly name: string;
}

/** Asks before two accounts become one person. */
export function linkPage(owner: LinkOwner, code: string, visit: Visit): Html {
  return layout({
    title: 'Link accounts',
    visit,
    body: html`<div class="narrow"><h1>Link accounts</h1>
<p>The Slack account <strong>${visible(owner.name)}</strong> (<code>${visible(owner.key)}</code>) asks to be linked to you, <strong>${visible(visit.identity.person.name)}</strong>.</p>
<p>From then on both are one person: a decision made with either counts once, and is made with your groups. Go on only if you asked for this link in Slack yourself.</p>
<form method="post" action="/link" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<input type="hidden" name="code" value="${code}">
<button class="primary" type="submit">This account is mine: link it</button>
</form>
<p><a href="/">It is not mine</a></p></div>`,
  });
}

/** Says that it is done. */
export function linkedPage(owner: LinkOwner, visit: Visit): Html {
  return layout({
    title: 'Accounts linked',
    visit,
    body: html`<div class="narrow"><h1>Accounts linked</h1>
<p>The Slack account <strong>${visible(owner.name)}</strong> and you are one person to Holdpoint now.</p>
<p><a class="button" href="/">To the approval requests</a></p></div>`,
  });
}
