import type { ConnectionSignIn } from '../../db/connection-sign-ins.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** A connection at which people sign in themselves. */
export interface ConnectionEntry {
  readonly name: string;
  /** Of the upstream server. */
  readonly host: string;
  /** Null where the person has not signed in. */
  readonly signIn: ConnectionSignIn | null;
}

export interface ConnectionsView {
  readonly entries: readonly ConnectionEntry[];
  /** The one connection that a link led to; null for all. `ask` names the question of a program of the person's. */
  readonly about: { readonly name: string; readonly ask: string | null } | null;
}

/** One's own sign-ins at upstream servers. */
export function connectionsPage({ entries, about }: ConnectionsView, visit: Visit): Html {
  return layout({
    title: 'Connections',
    visit,
    body: html`<h1>Connections</h1>
${
  about !== null && about.ask !== null
    ? html`<div class="told" role="status"><p>A program that calls for you needs you to sign in to <strong>${visible(about.name)}</strong>. Go on only if you use such a program; the next page is that of the server’s own provider.</p></div>`
    : html`<p>Servers at which you sign in yourself. What a sign-in gives is kept sealed, used for your calls alone, and shown to no program.</p>`
}
${entries.length === 0 ? html`<p>No connection wants people to sign in themselves.</p>` : table(entries, about?.ask ?? null, visit)}
${about && html`<p><a href="/connections">All connections</a></p>`}`,
  });
}

function table(entries: readonly ConnectionEntry[], ask: string | null, visit: Visit): Html {
  return html`<table><caption>Your sign-ins, ${visible(visit.identity.person.name)}</caption>
<thead><tr><th scope="col">Connection</th><th scope="col">Server</th><th scope="col">Signed in</th><th scope="col">May do there</th><th scope="col">Change</th></tr></thead>
<tbody>${entries.map((entry) => row(entry, ask, visit))}</tbody></table>`;
}

function row({ name, host, signIn }: ConnectionEntry, ask: string | null, visit: Visit): Html {
  return html`<tr><th scope="row">${visible(name)}</th><td><code>${visible(host)}</code></td>
<td>${signIn === null ? 'no' : html`since ${time(signIn.connectedAt)}, at <code>${visible(hostOf(signIn.issuer))}</code>`}</td>
<td>${signIn !== null && rights(signIn)}</td>
<td>${act(name, 'connect', signIn === null ? 'Connect' : 'Connect anew', ask, visit)}${signIn && act(name, 'disconnect', 'Disconnect', null, visit)}</td></tr>`;
}

/** What a sign-in allows, and what the server wants beyond it. */
function rights({ scope, askedScope, wantedScope }: ConnectionSignIn): Html {
  const has = scope ?? askedScope;
  const known = new Set((has ?? '').split(' '));
  const further = (wantedScope ?? '').split(' ').filter((word) => word !== '' && !known.has(word));
  return html`${has !== null && html`<code>${visible(has)}</code>`}${
    further.length > 0 && html`<p>It wants in addition: <code>${visible(further.join(' '))}</code></p>`
  }`;
}

function act(
  name: string,
  path: 'connect' | 'disconnect',
  label: string,
  ask: string | null,
  visit: Visit,
): Html {
  return html`<form method="post" action="/connections/${name}/${path}">
<input type="hidden" name="csrf" value="${visit.csrf}">
${ask !== null && html`<input type="hidden" name="ask" value="${ask}">`}
<button class="${path === 'connect' ? 'primary' : 'quiet'}" type="submit" aria-label="${label} ${visible(name)}">${label}</button>
</form>`;
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer;
}

function time(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`;
}
