import type { ShownGrant } from '../../db/grants.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { grantLine } from './helps.ts';
import { layout } from './layout.ts';

/** Grants that somebody may see: those that cover further calls first. */
export function grantsPage(grants: readonly ShownGrant[], told: string | null, visit: Visit): Html {
  return layout({
    title: 'Grants',
    visit,
    here: 'grants',
    body: html`<h1>Grants</h1>
<p>Calls that run without anybody being asked, since somebody approved them together with an earlier one.</p>
${told !== null && html`<div class="told counted" role="status"><p>${told}</p></div>`}
${
  grants.length === 0
    ? html`<div class="empty"><p><strong>There is no grant.</strong></p><p>A rule with <code>grants</code> offers them; whoever approves a call may then allow further ones like it.</p></div>`
    : html`<ul class="cards">${grants.map(
        (
          grant,
        ) => html`<li class="card"><h2><code>${visible(grant.tool)}</code> on <code>${visible(grant.connection)}</code></h2>
<p>for <strong>${visible(grant.subject)}</strong>, rule <code>${visible(grant.rule)}</code>, given with <a href="/approvals/${encodeURIComponent(grant.callId)}">this call</a></p>
${grantLine(grant, visit, '/grants')}</li>`,
      )}</ul>`
}`,
  });
}
