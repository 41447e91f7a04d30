import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { layout } from './layout.ts';

/**
 * What went wrong and what to do.
 * @param reference names the line in the log, where there is one
 */
export function errorPage(
  error: { readonly title: string; readonly message: string; readonly advice: string },
  reference: string | null,
  visit: Visit | null,
): Html {
  return layout({
    title: error.title,
    visit,
    body: html`<div class="narrow"><h1>${error.title}</h1>
<p>${error.message}</p>
<p>${error.advice}</p>
<p><a class="button" href="/">To the approval requests</a></p>
${reference !== null && html`<p class="faint">Reference for the log: <code>${reference}</code></p>`}</div>`,
  });
}
