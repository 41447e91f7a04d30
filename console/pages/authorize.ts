import type { AskingClient, SignInRequest } from '../../db/oauth-sign-ins.ts';
import { apiScope } from '../api/scope.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** Asks a person whether a program may call for them. Everything the program says of itself is shown as such. */
export function authorizePage(asked: SignInRequest, secret: string, visit: Visit): Html {
  const { client, connection, scopes } = asked;
  const administers = scopes.includes(apiScope);
  return layout({
    title: 'Let a program in',
    visit,
    body: html`<div class="narrow"><h1>${administers ? html`Sign in at your command line?` : html`Let a program call ${visible(connection)} for you?`}</h1>
<dl>
<dt>Program</dt><dd>${administers ? html`<strong>holdpoint login</strong>, or something that passes itself off as it` : program(client)}</dd>
<dt>It gets the answer at</dt><dd><code>${visible(destination(client.redirectUri))}</code></dd>
${administers ? '' : html`<dt>Connection</dt><dd><code>${visible(connection)}</code></dd>`}
<dt>It may use</dt><dd>${scopes.map((scope) => html`<code>${visible(scope)}</code> `)}</dd>
<dt>As</dt><dd>${visible(visit.identity.person.name)}</dd>
</dl>
<p>${administers ? html`It will do on Holdpoint itself whatever you may: approve calls, revoke, read recordings. No agent needs that. Go on only if you typed <code>holdpoint login</code> yourself, just now, and your terminal names the address above.` : html`What it calls is called by you: it is recorded under your name, and risky calls wait for somebody else’s approval. Go on only if you started this yourself, just now.`}</p>
<form method="post" action="/authorize" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<input type="hidden" name="request" value="${secret}">
<button type="submit" name="answer" value="refuse">Refuse</button>
<button class="primary" type="submit" name="answer" value="agree">Let it in</button>
</form></div>`,
  });
}

/** Who asks: the host of its document is proven, a name that it registered itself is not. */
function program({ name, host }: AskingClient): Html {
  const said = name === null ? html`no name` : html`<strong>${visible(name)}</strong>`;
  return host === null
    ? html`${said} (so it calls itself; nobody has checked that)`
    : html`${said}, as described by <strong>${visible(host)}</strong>`;
}

/** Where a code would go: the host on the web, or a program on somebody's own machine. */
function destination(redirectUri: string): string {
  if (!URL.canParse(redirectUri)) return redirectUri;
  const { protocol, host } = new URL(redirectUri);
  return protocol === 'http:' || protocol === 'https:' ? `${protocol}//${host}` : protocol;
}

/**
 * Sends the browser back. By a page and not by a redirect, since the answer to a form of ours may lead nowhere else
 * (`form-action 'self'`).
 */
export function continuePage(to: string, visit: Visit): Html {
  return layout({
    title: 'Going on',
    visit,
    refresh: to,
    body: html`<div class="narrow"><h1>Going on</h1>
<p>Back to the program. <a href="${to}">Go on</a> if nothing happens.</p></div>`,
  });
}
