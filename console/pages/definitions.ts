import type { ShownDefinition } from '../../db/tool-definitions-shown.ts';
import type { DefinitionTold } from '../definition-decision.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { type DiffLine, jsonDiff, jsonLines } from '../json-diff.ts';
import { visible, visibleText } from '../visible.ts';
import { layout } from './layout.ts';
import { moment } from './words.ts';

const states: Readonly<Record<ShownDefinition['state'], string>> = {
  quarantined: 'waits for a person',
  pinned: 'accepted',
  rejected: 'rejected',
  superseded: 'was accepted before',
};

/** Definitions of tools: those that wait, then those that are accepted or rejected. */
export function definitionsPage(
  waiting: readonly ShownDefinition[],
  settled: readonly ShownDefinition[],
  visit: Visit,
): Html {
  return layout({
    title: 'Tool definitions',
    visit,
    here: 'definitions',
    body: html`<h1>Tool definitions</h1>
<p>What tools say of themselves is read by agents, so a change of it changes what agents do. A tool whose definition waits here is in no agent's list, and calls of it are refused.</p>
<section aria-labelledby="waiting"><h2 id="waiting">Waiting</h2>${
      waiting.length === 0
        ? html`<div class="empty"><p>No definition waits.</p></div>`
        : table('Waiting definitions', waiting)
    }</section>
<section aria-labelledby="settled"><h2 id="settled">Accepted and rejected</h2>${
      settled.length === 0
        ? html`<div class="empty"><p>Nothing is pinned yet.</p></div>`
        : table('Accepted and rejected definitions', settled)
    }</section>`,
  });
}

function table(label: string, definitions: readonly ShownDefinition[]): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}, a table"><table>
<thead><tr><th scope="col">Tool</th><th scope="col">Server</th><th scope="col">What</th><th scope="col">State</th><th scope="col">Seen</th></tr></thead>
<tbody>${definitions.map(
    (
      definition,
    ) => html`<tr><th scope="row"><a href="/definitions/${definition.definitionId}">${visible(definition.tool)}</a></th>
<td>${visible(definition.connection)}</td><td>${definition.before ? 'changed' : 'new'}, version ${definition.version}</td>
<td>${states[definition.state]}${definition.state === 'pinned' && definition.decision === null ? ' on first use' : null}</td>
<td>${moment(definition.foundAt)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** One definition, compared with what was accepted before; then the decision. */
export function definitionPage(
  definition: ShownDefinition,
  standing: {
    readonly objection: string | null;
    readonly told: DefinitionTold | null;
    readonly reason: string;
  },
  visit: Visit,
): Html {
  const { before, decision } = definition;
  return layout({
    title: `${visibleText(definition.tool)} on ${visibleText(definition.connection)}: definition`,
    visit,
    here: 'definitions',
    body: html`<p class="back"><a href="/definitions">All definitions</a></p>
<h1>${before ? 'Changed' : 'New'} definition of ${visible(definition.tool)} on ${visible(definition.connection)}</h1>
${standing.told && told(standing.told)}
<p>It ${states[definition.state]}${definition.current ? '' : html`, and the server no longer says this`}.${
      decision &&
      html` ${visible(decision.person.name)} ${decision.decision === 'approve' ? 'accepted' : 'rejected'} it${definition.decidedAt && html`, ${moment(definition.decidedAt)}`}${decision.reason !== null && html`: ${visible(decision.reason)}`}.`
    }</p>
<section aria-labelledby="diff"><h2 id="diff">${before ? `What changes from version ${before.version} to ${definition.version}` : 'What it says'}</h2>
<p class="faint">Written by the server: read it as a claim, not as a fact. Secrets are masked; a change that shows no line lies in what is masked. <code>-</code> is what was accepted, <code>+</code> is what the server says now.</p>
<div class="arguments" tabindex="0" role="group" aria-labelledby="diff"><pre class="string">${lines(definition).map(line)}</pre></div></section>
${decide(definition, standing, visit)}
<details><summary>Identifiers</summary><dl class="facts">
<div><dt>Id</dt><dd><code>${definition.definitionId}</code></dd></div>
<div><dt>Hash now</dt><dd><code>${definition.hash}</code></dd></div>
<div><dt>Hash before</dt><dd><code>${before?.hash ?? 'none'}</code></dd></div>
<div><dt>First seen</dt><dd>${moment(definition.foundAt)}</dd></div>
<div><dt>Credential</dt><dd>${definition.context === '' ? 'the one that all callers share' : html`<code>${visible(definition.context)}</code>`}</dd></div>
</dl></details>`,
  });
}

function lines({ before, definition }: ShownDefinition): readonly DiffLine[] {
  if (before) return jsonDiff(before.definition, definition);
  return jsonLines(definition).map((text) => ({ kind: 'added', text }));
}

const signs = { same: ' ', removed: '-', added: '+' } as const;

function line({ kind, text }: DiffLine): Html {
  const shown = html`${signs[kind]} ${visible(text)}${'\n'}`;
  if (kind === 'removed') return html`<del>${shown}</del>`;
  return kind === 'added' ? html`<ins>${shown}</ins>` : shown;
}

function decide(
  { definitionId, hash, state, approvers }: ShownDefinition,
  { objection, reason }: { readonly objection: string | null; readonly reason: string },
  visit: Visit,
): Html {
  if (state === 'superseded') return html``;
  if (objection !== null)
    return html`<section aria-labelledby="decide"><h2 id="decide">Your decision</h2><p>${objection}</p></section>`;
  const hidden = html`<input type="hidden" name="csrf" value="${visit.csrf}"><input type="hidden" name="hash" value="${hash}"><input type="hidden" name="state" value="${state}">`;
  return html`<section aria-labelledby="decide" class="decide"><h2 id="decide">Your decision</h2>
<p class="faint">You decide as <strong>${visible(visit.identity.person.name)}</strong>, for ${approvers.map((group) => group.name).join(', ')}. Accepting lets agents see and call the tool as policy allows; it approves no call.</p>
<form method="post" action="/definitions/${definitionId}" class="stack">${hidden}
<label for="reason">Reason (recorded)</label>
<textarea id="reason" name="reason" rows="2" maxlength="1000">${reason}</textarea>
${state !== 'rejected' && html`<button class="deny" type="submit" name="decision" value="deny">Reject</button>`}
<button class="approve" type="submit" name="decision" value="approve">Accept</button>
</form></section>`;
}

function told({ counted, text }: DefinitionTold): Html {
  return counted
    ? html`<div class="told counted" role="status"><p><strong>Your decision counted.</strong> ${visible(text)}</p></div>`
    : html`<div class="told refused" role="alert"><p><strong>Your decision did not count.</strong> ${visible(text)}</p></div>`;
}
