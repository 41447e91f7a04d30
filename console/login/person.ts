import type { Pool } from '../../db/pool.ts';
import { personOf, pinEmail, rememberGroups } from '../../db/people.ts';
import { type Identity, localApprover } from '../identity.ts';

/**
 * Turns a proven identity into the person that Holdpoint knows: with every key that was linked to theirs, and with an
 * e-mail only if it means them (an address that changed hands gives its new holder nothing).
 * @param realm `oidc:<issuer>` or `saml:<issuer>`
 */
export async function settlePerson(
  pool: Pool,
  realm: string,
  identity: Identity,
  seenAt: Date,
): Promise<Identity> {
  const key = `${realm}#${identity.subject}`;
  const { email, groups } = identity;
  await rememberGroups(pool, { key, groups, seenAt });
  const person = await personOf(pool, key, identity.person.name);
  const ours = email !== null && (await pinEmail(pool, { realm, email, key })) === key;
  return {
    ...identity,
    email: ours ? email : null,
    person: { name: person.name, keys: ours ? [...person.keys, `email:${email}`] : person.keys },
  };
}

/** The local approver, with whatever accounts were linked to them. */
export async function localPerson(pool: Pool): Promise<Identity> {
  const identity = localApprover();
  return { ...identity, person: await personOf(pool, 'local:approver', identity.person.name) };
}
