import type { FastifyRequest } from 'fastify';

/** The fields of a posted form; repeated fields and anything that is not text are left out. */
export function formOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  const { body } = request;
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Where to go after signing in: a path on this console, never another site. */
export function returnTo(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith('/') || value.length > 500) return '/';
  const url = new URL(value, 'http://console.invalid');
  if (
    url.origin !== 'http://console.invalid' ||
    url.pathname.startsWith('//') ||
    url.pathname.startsWith('/login')
  )
    return '/';
  return `${url.pathname}${url.search}`;
}
