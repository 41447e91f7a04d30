// Keeps a page up to date. Pages work without it; it never sends a decision.
// @ts-check

const note = document.getElementById('live-note');
const trusted = /** @type {any} */ (globalThis).trustedTypes?.createPolicy('holdpoint-page', {
  // Only ever given this console's own pages, fetched from itself.
  createHTML: (/** @type {string} */ text) => text,
});

/** @param {string} text */
function say(text) {
  if (note && note.textContent !== text) note.textContent = text;
}

/** Fetches the page again and puts its parts in place of ours; what somebody is typing stays. */
async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, credentials: 'same-origin' });
  if (answer.redirected) {
    say('You have been signed out. Open the page again to sign in.');
    return;
  }
  if (!answer.ok) {
    say('The page could not be brought up to date. Reload it.');
    return;
  }
  const text = await answer.text();
  const fresh = new DOMParser().parseFromString(trusted ? trusted.createHTML(text) : text, 'text/html');
  document.title = fresh.title;
  for (const part of document.querySelectorAll('[data-part]')) replace(part, fresh);
  countDown();
  document.dispatchEvent(new CustomEvent('holdpoint:refreshed'));
  say(`Brought up to date at ${new Date().toLocaleTimeString()}.`);
}

/**
 * @param {Element} part
 * @param {Document} fresh
 */
function replace(part, fresh) {
  const next = fresh.querySelector(`[data-part="${CSS.escape(part.getAttribute('data-part') ?? '')}"]`);
  if (!next || next.innerHTML === part.innerHTML) return;
  const typed = [...part.querySelectorAll('[data-keep]')].map(
    (field) => /** @type {HTMLInputElement} */ (field),
  );
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const focus = active?.id || active?.getAttribute('href');
  const values = new Map(typed.map((field) => [field.id, field.value]));
  part.replaceChildren(...next.childNodes);
  for (const [id, value] of values) {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
    if (field) field.value = value;
  }
  if (!focus) return;
  const again = document.getElementById(focus) ?? part.querySelector(`[href="${CSS.escape(focus)}"]`);
  if (again instanceof HTMLElement) again.focus();
}

function follow() {
  const path = note?.getAttribute('data-live');
  if (!path) return;
  let version = note?.getAttribute('data-version');
  const source = new EventSource(path);
  source.addEventListener('open', () => say('Live: changes appear by themselves.'));
  source.addEventListener('error', () => say('Not live at the moment; trying again.'));
  source.addEventListener('version', (event) => {
    const now = JSON.parse(event.data);
    if (now === version) return;
    version = now;
    refresh().catch(() => say('The page could not be brought up to date. Reload it.'));
  });
}

/** @param {number} ms */
function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function countDown() {
  for (const element of document.querySelectorAll('[data-until]')) {
    const left = Date.parse(element.getAttribute('data-until') ?? '') - Date.now();
    element.textContent = left > 0 ? `${span(left)} left` : 'time is up';
    element.classList.toggle('soon', left < 120_000);
  }
  for (const time of document.querySelectorAll('time[datetime]'))
    time.setAttribute('title', new Date(time.getAttribute('datetime') ?? '').toLocaleString());
}

/** j and k move through the list, / goes to the filter. No key ever decides. */
document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, textarea, select')) return;
  if (event.key === '/') {
    const search = document.querySelector('[data-search]');
    if (search instanceof HTMLElement) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  if (event.key !== 'j' && event.key !== 'k') return;
  const items = [...document.querySelectorAll('[data-item]')];
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  const next = items[at < 0 ? 0 : at + (event.key === 'j' ? 1 : -1)];
  if (next instanceof HTMLElement) next.focus();
});

follow();
countDown();
setInterval(countDown, 1000);
