/** A browser without scripts that goes wherever it is sent, and keeps each origin's cookies. */
export interface Walker {
  /** Goes to an address and on, until a page says something. */
  go(url: string | URL): Promise<Walked>;
  /** Sends a form of the page at `from`. */
  send(from: string | URL, action: string, form: Readonly<Record<string, string>>): Promise<Walked>;
}

export interface Walked {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

const longestWay = 20;

export function walker(): Walker {
  const jars = new Map<string, Map<string, string>>();
  const step = async (url: URL, init: RequestInit): Promise<Response> => {
    const jar = jars.get(url.origin) ?? new Map<string, string>();
    jars.set(url.origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) };
    const reply = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of reply.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return reply;
  };
  const walk = async (start: URL, init: RequestInit): Promise<Walked> => {
    let url = start;
    let reply = await step(url, init);
    for (let steps = 0; steps < longestWay; steps += 1) {
      const text = await reply.text();
      // A page that leads on by itself says so in its head.
      const refresh = /http-equiv="refresh" content="\d+;\s*url=([^"]+)"/i.exec(text)?.[1];
      const to = reply.headers.get('location') ?? refresh?.replaceAll('&amp;', '&');
      if (!to) return { url, status: reply.status, text };
      url = new URL(to, url);
      reply = await step(url, {});
    }
    throw new Error('the way leads nowhere');
  };
  return {
    go: (url) => walk(new URL(url), {}),
    send: (from, action, form) =>
      walk(new URL(action, from), {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: { origin: new URL(from).origin },
      }),
  };
}
