/**
 * The scopes in a `WWW-Authenticate` challenge (RFC 6750 section 3), as far as they are scopes: an upstream's word, which
 * is put into an address and shown to a person.
 */
export function scopesInChallenge(challenge: string): readonly string[] {
  const said = /\bscope="([^"]{1,2000})"/i.exec(challenge)?.[1] ?? '';
  return said.split(' ').filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(scope));
}
