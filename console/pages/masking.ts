import type { TriedText } from '../api/schemas-masking.ts';
import type { Visit } from '../deps.ts';
import { html, type Html } from '../html.ts';
import { jsonView } from '../json-view.ts';
import { visible } from '../visible.ts';
import { layout } from './layout.ts';

/** A place to see what masking takes out of a text, and by which detector. */
export function maskingPage(profiles: readonly string[], tried: TriedText | null, visit: Visit): Html {
  return layout({
    title: 'Try out masking',
    visit,
    here: 'policy',
    body: html`<p class="back"><a href="/policy">Policy</a></p>
<h1>Try out masking</h1>
<p>Paste a tool’s arguments or an answer. The text is masked in memory, kept nowhere and sent back only as masking leaves it. Use made-up secrets all the same.</p>
${tried && result(tried)}
<section aria-labelledby="try"><h2 id="try">A text</h2>
<form method="post" action="/masking" class="stack">
<input type="hidden" name="csrf" value="${visit.csrf}">
<label for="profile">Profile</label>
<select id="profile" name="profile">${profiles.map((name) => html`<option value="${name}"${tried?.profile === name ? html` selected` : null}>${visible(name)}</option>`)}</select>
<label for="text">Text or JSON</label>
<textarea id="text" name="text" rows="8" required spellcheck="false" autocomplete="off"></textarea>
<button class="primary" type="submit">Mask it</button>
</form></section>`,
  });
}

function result({ text, findings, isJson, profile, tookMs }: TriedText): Html {
  return html`<section aria-labelledby="result"><h2 id="result">Masked by profile <code>${visible(profile)}</code></h2>
<div class="arguments">${isJson ? jsonView(text) : html`<pre class="string">${visible(text)}</pre>`}</div>
<p class="faint">${findings.length === 0 ? 'Nothing was taken out' : `${findings.length} ${findings.length === 1 ? 'span was' : 'spans were'} taken out`}, in ${tookMs.toFixed(1)} ms; read as ${isJson ? 'JSON' : 'plain text'}.</p>
${
  findings.length > 0 &&
  html`<div class="scroll" tabindex="0" role="group" aria-label="Findings, a table"><table>
<thead><tr><th scope="col">Detector</th><th scope="col">Where</th><th scope="col">What was done</th><th scope="col">Confidence</th></tr></thead>
<tbody>${findings.map(
    (finding) =>
      html`<tr><td><code>${visible(finding.detector)}</code></td><td><code>${visible(finding.path)}</code></td><td>${visible(finding.operator)}</td><td>${Math.round(finding.confidence * 100)} %</td></tr>`,
  )}</tbody></table></div>`
}</section>`;
}
