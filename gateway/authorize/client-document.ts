import type { FetchDocument } from './provider.ts';
import { applicationTypeOf, refuseUri } from './register.ts';

/**
 * Makes documents of clients (CIMD) mean what a registration with the same addresses would: a code goes where it may go
 * for a registered client, and to any port of the person's own machine (RFC 8252 section 7.3), whether or not the document
 * calls its client a native one, which most do not.
 * @throws RegistrationRefused (from the returned function) when a redirect URI is one that no client may have
 */
export function fetchClientDocument(fetch: FetchDocument): FetchDocument {
  return async (url, init) => {
    const answer = await fetch(url, init);
    if (answer.status !== 200) return answer;
    const text = await answer.text();
    const headers = new Headers(answer.headers);
    for (const name of ['content-length', 'content-encoding']) headers.delete(name);
    return new Response(normalized(text), { status: 200, headers });
  };
}

function normalized(text: string): string {
  const document = objectIn(text);
  const uris: unknown = document?.['redirect_uris'];
  // Whatever else it is, oidc-provider refuses it.
  if (document === null || !Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) return text;
  for (const uri of uris) refuseUri(uri);
  return JSON.stringify({ ...document, application_type: applicationTypeOf(uris) });
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
