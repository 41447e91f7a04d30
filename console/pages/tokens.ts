import type { AccessToken } from '../../db/access-tokens.ts';
import type { SignIn } from '../../db/oauth-sign-ins.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** What the page of access tokens shows. */
export interface TokensView {
  readonly tokens: readonly AccessToken[];
  /** The programs that the person let in (built-in authorization server). */
  readonly signIns: readonly SignIn[];
  /** Every scope that a token may have. */
  readonly scopes: readonly string[];
  readonly longestDays: number;
  readonly now: Date;
  /** A token that was just made: the only time that it is shown. */
  readonly made: { readonly secret: string; readonly name: string } | null;
  /** Why nothing was made. */
  readonly refused: string | null;
}

/** One's own access tokens: what there are, revoking one, making one. */
export function tokensPage(view: TokensView, visit: Visit): Html {
  return layout({
    title: 'Access tokens',
    visit,
    body: html`<h1>Access tokens</h1>
<p>For clients that cannot sign in: they send a token as <code>Authorization: Bearer</code>. A call made with one is a call of yours, so somebody else must decide on it. Whoever has it is you: keep it like a password. <a href="/passkeys">Your passkeys</a> are on a page of their own.</p>
${view.made && madeNote(view.made)}
${view.refused !== null && html`<div class="told refused" role="alert"><p><strong>No token was made.</strong> ${visible(view.refused)}</p></div>`}
${view.tokens.length === 0 ? html`<p>You have no tokens.</p>` : table(view, visit)}
${form(view, visit)}
${view.signIns.length > 0 && programs(view.signIns, visit)}`,
  });
}

/** What was let in at the built-in authorization server. A program's name is its own word. */
function programs(signIns: readonly SignIn[], visit: Visit): Html {
  return html`<h2>Programs that you let in</h2>
<table><caption>Each may renew its access until then, unless you end it</caption>
<thead><tr><th scope="col">Program</th><th scope="col">May use</th><th scope="col">Since</th><th scope="col">Until</th><th scope="col">End</th></tr></thead>
<tbody>${signIns.map(
    ({ grantId, clientId, clientName, scopes, signedInAt, expiresAt }) => html`<tr>
<th scope="row">${visible(clientName ?? clientId)}</th><td>${scopes.map((scope) => html`<code>${visible(scope)}</code> `)}</td>
<td>${time(signedInAt)}</td><td>${time(expiresAt)}</td>
<td><form method="post" action="/tokens/end"><input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="grant" value="${grantId}"><button class="quiet" type="submit" aria-label="End ${visible(clientName ?? clientId)}">End</button></form></td></tr>`,
  )}</tbody></table>`;
}

function madeNote({ secret, name }: { secret: string; name: string }): Html {
  return html`<div class="told" role="status"><p><strong>${visible(name)}</strong> was made. Copy it now: it is shown this once.</p>
<p><code>${secret}</code></p></div>`;
}

function table({ tokens, now }: TokensView, visit: Visit): Html {
  return html`<table><caption>Your tokens</caption>
<thead><tr><th scope="col">Name</th><th scope="col">May call</th><th scope="col">Groups</th><th scope="col">Good until</th><th scope="col">Last used</th><th scope="col">State</th></tr></thead>
<tbody>${tokens.map((token) => row(token, now, visit))}</tbody></table>`;
}

function row(token: AccessToken, now: Date, visit: Visit): Html {
  return html`<tr><th scope="row">${visible(token.name)}</th>
<td>${token.scopes === null ? 'everything' : token.scopes.map((scope) => html`<code>${visible(scope)}</code> `)}</td>
<td>${visible(token.groups.join(', '))}</td>
<td>${time(token.expiresAt)}</td>
<td>${token.lastUsedAt === null ? 'never' : time(token.lastUsedAt)}</td>
<td>${state(token, now, visit)}</td></tr>`;
}

function state(token: AccessToken, now: Date, visit: Visit): Html {
  if (token.revokedAt) return html`revoked ${time(token.revokedAt)}`;
  if (token.expiresAt <= now) return html`expired`;
  return html`<form method="post" action="/tokens/revoke">
<input type="hidden" name="csrf" value="${visit.csrf}">
<input type="hidden" name="id" value="${token.id}">
<button class="quiet" type="submit" aria-label="Revoke ${visible(token.name)}">Revoke</button>
</form>`;
}

function form({ scopes, longestDays }: TokensView, visit: Visit): Html {
  const days = Math.min(90, longestDays);
  return html`<h2>Make a token</h2>
<form method="post" action="/tokens" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label for="name">Name, for you to know it by</label>
<input id="name" name="name" required maxlength="100" autocomplete="off">
<label for="days">Days it is good for</label>
<input id="days" name="days" type="number" min="1" max="${String(longestDays)}" value="${String(days)}" required>
<fieldset><legend>What it may call</legend>
<label><input type="checkbox" name="everything" value="yes"> Everything that you may call</label>
${scopes.map((scope) => html`<label><input type="checkbox" name="scope.${scope}" value="yes"> <code>${scope}</code></label>`)}
</fieldset>
${
  visit.identity.groups.length > 0 &&
  html`<fieldset><legend>Groups that it carries, while you are in them</legend>
${visit.identity.groups.map(
  (group, index) =>
    html`<label><input type="checkbox" name="group.${String(index)}" value="${group}" checked> ${visible(group)}</label>`,
)}</fieldset>`
}
<button class="primary" type="submit">Make the token</button>
</form>`;
}

function time(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`;
}
