import type { Freeze } from '../../db/kill-switch.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { type Turned, wordsOf } from '../kill-switch.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** The kill switch: what it does, how it stands, and the one thing that can be done about it. */
export function killSwitchPage(
  { freeze, may, told }: { freeze: Freeze | null; may: boolean; told: Turned | null },
  visit: Visit,
): Html {
  return layout({
    title: 'Kill switch',
    visit,
    body: html`<h1>Kill switch</h1>
${told && html`<div class="told ${told.done ? 'counted' : 'refused'}" role="alert"><p>${visible(told.text)}</p></div>`}
<p>${freeze === null ? 'Off: calls run as policy and people decide.' : visible(wordsOf(freeze))}</p>
<p class="faint">Turned on, it stops every call on every gateway within a second: nothing passes, nothing that was approved is sent, and the deadlines of waiting requests stand still. What is running already is not torn off. One person turns it on; two different people lift it.</p>
${may ? form(freeze, visit) : html`<p>You may look, but not turn it: you are in no approver group, and neither operator nor owner.</p>`}`,
  });
}

function form(freeze: Freeze | null, visit: Visit): Html {
  const csrf = html`<input type="hidden" name="csrf" value="${visit.csrf}">`;
  if (freeze !== null)
    return html`<form method="post" action="/kill-switch">${csrf}<input type="hidden" name="turn" value="off">
<button type="submit">Ask to lift the freeze</button></form>`;
  return html`<form method="post" action="/kill-switch">${csrf}<input type="hidden" name="turn" value="on">
<label>Why <input name="reason" maxlength="1000" autocomplete="off"></label>
<button class="danger" type="submit">Freeze all calls</button></form>`;
}
