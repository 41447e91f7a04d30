import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { wordsOf } from '../kill-switch.ts';
import { visible } from '../visible.ts';

/** What every page needs to stand in the frame. */
export interface Frame {
  readonly title: string;
  readonly visit: Visit | null;
  readonly here?: 'approvals' | 'grants' | 'sessions' | 'definitions' | 'policy' | 'containment';
  readonly body: Html;
  /** Uses the whole width. */
  readonly wide?: boolean;
  /** Where the browser goes on to by itself. */
  readonly refresh?: string;
  /** Scripts of `console/assets/` that the page uses; every page works without. */
  readonly scripts?: readonly string[];
}

const places = [
  ['approvals', '/', 'Approvals'],
  ['grants', '/grants', 'Grants'],
  ['sessions', '/sessions', 'Sessions'],
  ['definitions', '/definitions', 'Tools'],
  ['policy', '/policy', 'Policy'],
  ['containment', '/containment', 'Containment'],
] as const;

/** A whole page. */
export function layout(frame: Frame): Html {
  const { visit } = frame;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${frame.refresh !== undefined && html`<meta http-equiv="refresh" content="0;url=${frame.refresh}">`}
<title>${frame.title} – Holdpoint</title>
<link rel="stylesheet" href="/assets/console.css">
<link rel="icon" href="/assets/holdpoint.svg" type="image/svg+xml">
${(frame.scripts ?? []).map((name) => html`<script type="module" src="/assets/${name}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/"><img src="/assets/holdpoint.svg" alt="" width="22" height="22">Holdpoint</a>
${
  visit &&
  html`<nav aria-label="Main"><ul>${places.map(
    ([name, href, label]) =>
      html`<li><a href="${href}"${frame.here === name ? html` aria-current="page"` : null}>${label}</a></li>`,
  )}</ul></nav>
<form method="post" action="/logout" class="who">
<input type="hidden" name="csrf" value="${visit.csrf}">
<span><a href="/kill-switch">Kill switch</a> <a href="/connections">Connections</a> <a href="/tokens">${visible(visit.identity.person.name)}</a></span>
<button class="quiet" type="submit">Sign out</button>
</form>`
}
</header>
${
  visit?.freeze &&
  html`<div class="told refused" role="alert"><p><strong>${visible(wordsOf(visit.freeze))}</strong> <a href="/kill-switch">Kill switch</a></p></div>`
}
<main id="main" tabindex="-1"${frame.wide === true && html` class="wide"`}>
${frame.body}
</main>
${
  visit?.identity.local &&
  html`<footer class="notice"><p><strong>Tried out locally.</strong> No identity provider is configured. Whoever can read the credential in the data directory is <em>local-approver</em> and may decide for every approver group; callers without a token are <em>local-agent</em>. Set <code>console.login</code> to let people sign in as themselves.</p></footer>`
}
</body>
</html>`;
}
