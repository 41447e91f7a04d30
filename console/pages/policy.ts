import type { Policy, Terms } from '../../policy/policy.ts';
import type { ApproverGroup } from '../../policy/verdict.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';
import { riskBadge, span } from './words.ts';

/** The rules in the order in which they are tried, and who may approve. */
export function policyPage(policy: Policy, visit: Visit): Html {
  return layout({
    title: 'Policy',
    visit,
    here: 'policy',
    body: html`<h1>Policy</h1>
<p>As this process has loaded it. Version <code>${policy.version}</code>, which every request and every recorded event names.</p>
<section aria-labelledby="rules"><h2 id="rules">Rules, in order</h2>
<p class="faint">The first rule that matches decides. What each one matches is written in the policy file; <code>holdpoint policy test</code> tries calls on it.</p>
<div class="scroll" tabindex="0" role="group" aria-label="Rules, a table"><table>
<thead><tr><th scope="col">Rule</th><th scope="col">Then</th><th scope="col">Risk</th><th scope="col">Approvers</th><th scope="col">Time to decide</th><th scope="col">Reason</th></tr></thead>
<tbody>${policy.rules.map((rule) => row(html`<code>${visible(rule.name)}</code>`, rule))}${row(html`<em>no rule matches a tool call</em>`, policy.default)}</tbody></table></div></section>
<section aria-labelledby="groups"><h2 id="groups">Approver groups</h2>${groups(Object.values(policy.approverGroups))}</section>
<p><a href="/masking">Try out what masking does with a text</a></p>
<p><a href="/masking/report">Compare recorded traffic with a changed policy</a></p>`,
  });
}

function row(name: Html, { ending, risk, reason }: Terms): Html {
  return html`<tr><th scope="row">${name}</th>
<td><span class="badge verdict-${ending.kind}">${ending.kind}</span></td>
<td>${ending.kind === 'hold' ? riskBadge(risk) : '–'}</td>
<td>${ending.kind === 'hold' ? html`${ending.approvalsNeeded} from ${list(ending.approvers.map((group) => group.name))}` : '–'}</td>
<td>${ending.kind === 'hold' ? span(ending.timeoutMs) : '–'}</td>
<td>${reason === null ? '–' : visible(reason)}</td></tr>`;
}

function groups(all: readonly ApproverGroup[]): Html {
  if (all.length === 0)
    return html`<div class="empty"><p>The policy names no approvers, so nothing can be held.</p></div>`;
  return html`<dl class="facts">${all.map(
    (group) =>
      html`<div><dt><code>${visible(group.name)}</code></dt><dd>${[
        group.people.length > 0 && html`people: ${list(group.people)}. `,
        group.groups.length > 0 && html`directory groups: ${list(group.groups)}. `,
        group.slackUserGroup !== null && html`Slack user group: ${visible(group.slackUserGroup)}. `,
        group.slackChannel !== null && html`asked in Slack channel ${visible(group.slackChannel)}.`,
      ]}</dd></div>`,
  )}</dl>`;
}

function list(names: readonly string[]): Html {
  return html`${names.map((name, index) => html`${index > 0 ? ', ' : null}${visible(name)}`)}`;
}
