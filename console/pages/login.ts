import { html, type Html } from '../html.ts';
import { layout } from './layout.ts';

/** Signing in with a one-time link (its page does nothing by itself) or with the credential. */
export function localLoginPage(token: string | null, to: string): Html {
  const body =
    token === null
      ? html`<h1>Sign in</h1>
<p>This console belongs to whoever can read its data directory. Open the login link that Holdpoint printed when it started, or paste the content of the file <code>console-credential</code> in the data directory (<code>.holdpoint</code> unless set otherwise).</p>
<form method="post" action="/login" class="stack">
<input type="hidden" name="to" value="${to}">
<label for="credential">Credential</label>
<input id="credential" name="credential" type="password" required autocomplete="current-password" spellcheck="false">
<button class="primary" type="submit">Sign in as local-approver</button>
</form>`
      : html`<h1>Sign in</h1>
<p>You are about to sign in as <strong>local-approver</strong>, who may approve and deny the tool calls that this Holdpoint holds. The link works once.</p>
<form method="post" action="/login" class="stack">
<input type="hidden" name="token" value="${token}">
<input type="hidden" name="to" value="${to}">
<button class="primary" type="submit">Sign in as local-approver</button>
</form>`;
  return layout({ title: 'Sign in', visit: null, body: html`<div class="narrow">${body}</div>` });
}

/** Signing in at the organisation's identity provider. */
export function providerLoginPage(host: string, to: string): Html {
  return layout({
    title: 'Sign in',
    visit: null,
    body: html`<div class="narrow"><h1>Sign in</h1>
<p>People sign in at <strong>${host}</strong>. Who may decide on a held call is looked up there, each time anew.</p>
<p><a class="button primary" href="/login/start?to=${encodeURIComponent(to)}">Continue to ${host}</a></p></div>`,
  });
}
