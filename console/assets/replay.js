// Moves through a replay by keyboard and plays it. The page is whole without it.
// @ts-check

const selected = /** @type {HTMLElement} */ (document.getElementById('selected'));
const player = document.querySelector('.player');
const play = /** @type {HTMLButtonElement} */ (document.getElementById('play'));
const keys = /** @type {HTMLDialogElement} */ (document.getElementById('keys'));
const longestWaitMs = 1500;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let playing;
let current = -1;

/** @returns {HTMLElement[]} */
function events() {
  return [...document.querySelectorAll('[data-event]')].map((event) => /** @type {HTMLElement} */ (event));
}

/** @param {number} number as in `#event=17` */
function show(number) {
  const event = document.getElementById(`event=${number}`);
  if (!event) return;
  for (const other of document.querySelectorAll('[aria-current="true"]'))
    other.removeAttribute('aria-current');
  event.setAttribute('aria-current', 'true');
  for (const mark of document.querySelectorAll('.mark.now')) mark.classList.remove('now');
  document.querySelector(`[data-mark="${number}"]`)?.classList.add('now');
  const body = event.querySelector('.event-body');
  const title = document.createElement('h2');
  title.textContent = `Event ${number}`;
  selected.replaceChildren(title, ...(body ? [body.cloneNode(true)] : []));
  selected.hidden = false;
  event.scrollIntoView({ block: 'nearest' });
  current = number;
  if (location.hash !== `#event=${number}`) history.replaceState(null, '', `#event=${number}`);
}

/** @param {number} by */
function step(by) {
  const all = events();
  const at = all.findIndex((event) => event.dataset.event === String(current));
  const next = all[at < 0 ? 0 : at + by];
  if (next) show(Number(next.dataset.event));
  return next !== undefined;
}

function pause() {
  clearTimeout(playing);
  playing = undefined;
  play.textContent = 'Play';
}

function go() {
  const all = events();
  const at = all.findIndex((event) => event.dataset.event === String(current));
  const [now, next] = [all[Math.max(at, 0)], all[at + 1]];
  if (!next) return pause();
  const wait = at < 0 ? 0 : (Number(next.dataset.at) - Number(now?.dataset.at)) / 1000;
  play.textContent = 'Pause';
  playing = setTimeout(
    () => {
      show(Number(next.dataset.event));
      go();
    },
    Math.min(Math.max(wait, 30), longestWaitMs),
  );
}

function toggle() {
  if (playing === undefined) go();
  else pause();
}

function nextHeld() {
  const held = events().filter((event) => event.dataset.held !== undefined);
  const next = held.find((event) => Number(event.dataset.event) > current) ?? held[0];
  if (next) show(Number(next.dataset.event));
}

/** @param {string} key */
function act(key) {
  const all = events();
  if (key === 'ArrowDown' || key === 'j') step(1);
  else if (key === 'ArrowUp' || key === 'k') step(-1);
  else if (key === ' ') toggle();
  else if (key === 'h') nextHeld();
  else if (key === 'Home') show(Number(all[0]?.dataset.event));
  else if (key === 'End') show(Number(all.at(-1)?.dataset.event));
  else if (key === '?') keys.showModal();
  else return false;
  return true;
}

document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
  if (target.closest('input, textarea, select')) return;
  if (event.key === ' ' && target.closest('button, a, summary')) return;
  if (act(event.key)) event.preventDefault();
});

document.addEventListener('click', (event) => {
  const target = /** @type {Element} */ (event.target);
  const summary = target.closest('.event > details > summary');
  const item = summary?.closest('[data-event]');
  if (!(item instanceof HTMLElement)) return;
  event.preventDefault();
  pause();
  show(Number(item.dataset.event));
});

/** An event that is on another page is gone to: a link to an event needs to say nothing else. */
function fromAddress() {
  const number = /^#event=(\d{1,15})$/.exec(location.hash)?.[1];
  if (number === undefined || Number(number) === current) return;
  if (document.getElementById(`event=${Number(number)}`)) show(Number(number));
  else if (new URLSearchParams(location.search).get('event') !== number)
    location.replace(`${location.pathname}?event=${number}#event=${number}`);
}

addEventListener('hashchange', fromAddress);
document.addEventListener('holdpoint:refreshed', () => {
  const again = current;
  current = -1;
  if (again >= 0) show(again);
});
play.addEventListener('click', toggle);
document.getElementById('help')?.addEventListener('click', () => keys.showModal());
if (player instanceof HTMLElement) player.hidden = false;
fromAddress();
