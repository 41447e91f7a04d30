// Forms that a passkey goes with: `data-passkey="enrol"` makes one, `data-passkey="approve"` proves who presses the button.
// @ts-check

/** @param {HTMLFormElement} form */
async function answer(form) {
  const enrol = form.dataset['passkey'] === 'enrol';
  const reply = await fetch(
    enrol ? '/passkeys/enrol' : `/passkeys/approve?call=${encodeURIComponent(form.dataset['call'] ?? '')}`,
  );
  if (!reply.ok) throw new Error(enrol ? 'Sign in again first.' : 'You have no passkey here: add one first.');
  const options = await reply.json();
  const made = enrol
    ? await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      })
    : await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      });
  if (!(made instanceof PublicKeyCredential)) throw new Error('Your browser gave no passkey.');
  return JSON.stringify(made.toJSON());
}

/** @param {HTMLFormElement} form @param {string} name @param {string} value */
function put(form, name, value) {
  const input = document.createElement('input');
  input.type = 'hidden';
  input.name = name;
  input.value = value;
  form.append(input);
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.dataset['passkey']) return;
  event.preventDefault();
  const note = form.querySelector('[data-passkey-note]');
  const pressed = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
  void send(form, pressed, note);
});

/** @param {HTMLFormElement} form @param {HTMLButtonElement | null} pressed @param {Element | null} note */
async function send(form, pressed, note) {
  try {
    put(form, 'passkey', await answer(form));
    if (pressed?.name) put(form, pressed.name, pressed.value);
    form.submit();
  } catch (error) {
    if (note) note.textContent = `Nothing was sent. ${error instanceof Error ? error.message : ''}`;
  }
}
