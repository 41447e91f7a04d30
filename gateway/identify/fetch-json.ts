/** Fetches a URL. The global `fetch` fits. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const timeoutMs = 5_000;
const maxBytes = 512 * 1024;

/**
 * Fetches a small JSON document of an issuer: no redirects, no cookies, bounded in time and size.
 * @param authorization for documents about a token: the issuer's own token goes back to the issuer
 * @throws Error when it cannot be had; the message names the URL
 */
export async function fetchJson(
  fetch: Fetch,
  url: string,
  authorization?: string,
): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    method: 'GET',
    headers: {
      accept: 'application/json, application/jwk-set+json',
      ...(authorization !== undefined && { authorization }),
    },
    redirect: 'error',
    credentials: 'omit',
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const value: unknown = JSON.parse(await boundedText(response, url));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${url} is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

async function boundedText(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    if (length > maxBytes) throw new Error(`${url} answered more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
