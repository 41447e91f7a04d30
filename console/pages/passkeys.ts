import type { Passkey } from '../../db/passkeys.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { moment } from './words.ts';

export interface PasskeysView {
  readonly passkeys: readonly Passkey[];
  /** Where to sign in anew first; null when the person just did. */
  readonly signInFirst: string | null;
  readonly told: string | null;
}

/** One's own passkeys: what there are, adding one, removing one. */
export function passkeysPage({ passkeys, signInFirst, told }: PasskeysView, visit: Visit): Html {
  return layout({
    title: 'Passkeys',
    visit,
    scripts: ['passkey.js'],
    body: html`<h1>Passkeys</h1>
<p>Some calls are approved only by somebody who proves with a passkey that it is they who sit there. It never leaves your device, and works on this console only.</p>
${told !== null && html`<div class="told refused" role="alert"><p>${told}</p></div>`}
${
  passkeys.length === 0
    ? html`<p>You have none.</p>`
    : html`<table><caption>Your passkeys</caption><thead><tr><th scope="col">Name</th><th scope="col">Added</th><th scope="col">Last used</th><th scope="col">Remove</th></tr></thead>
<tbody>${passkeys.map(
        (passkey) => html`<tr><th scope="row">${visible(passkey.name)}</th><td>${moment(passkey.madeAt)}</td>
<td>${passkey.lastUsedAt === null ? 'never' : moment(passkey.lastUsedAt)}</td>
<td><form method="post" action="/passkeys/remove"><input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="id" value="${passkey.credentialId}"><button class="quiet" type="submit" aria-label="Remove ${visible(passkey.name)}">Remove</button></form></td></tr>`,
      )}</tbody></table>`
}
<h2>Add a passkey</h2>
${
  signInFirst === null
    ? html`<form method="post" action="/passkeys" class="stack" data-passkey="enrol">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label for="name">Name, for you to know it by</label>
<input id="name" name="name" required maxlength="100" autocomplete="off">
<button class="primary" type="submit">Add a passkey</button>
<p class="faint" role="status" data-passkey-note>Your browser must run scripts for this.</p>
</form>`
    : html`<p>Adding one takes a sign-in within the last five minutes. <a class="button" href="${signInFirst}">Sign in again</a></p>`
}`,
  });
}
