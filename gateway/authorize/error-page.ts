/** What somebody sees whose sign-in cannot go on. Everything in it is text. */
export function errorPage(error: string, description: string | undefined): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign-in failed – Holdpoint</title></head>
<body><main><h1>This sign-in cannot go on</h1>
<p>${escaped(description ?? 'The request was refused.')} (<code>${escaped(error)}</code>)</p>
<p>Nothing was given to anybody. Go back to the program that sent you here, and start again.</p></main></body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
