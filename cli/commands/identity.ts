import { readFile, stat } from 'node:fs/promises';
import type { LoginSettings } from '../../console/deps.ts';
import type { Identity } from '../../console/identity.ts';
import { identityFromIdToken } from '../../console/login/id-token.ts';
import { localPerson } from '../../console/login/person.ts';
import type { Pool } from '../../db/pool.ts';

/** How somebody at the command line proves who they are. */
export interface CommandLineProof {
  /** `console.login`, or null where none is configured. */
  readonly login: Exclude<LoginSettings, { mode: 'local' }> | null;
  /** The console's credential in the data directory: being able to read it is the proof, where no login is configured. */
  readonly credentialFile: string;
  /** An ID token of the console's identity provider (`HOLDPOINT_ID_TOKEN`). */
  readonly idToken: string | undefined;
  readonly pool: Pool;
}

/**
 * Who is at the command line.
 * @throws Error that says how to prove it
 */
export async function commandLineIdentity(proof: CommandLineProof): Promise<Identity> {
  if (proof.login?.mode === 'saml')
    throw new Error(
      'deciding needs a verified identity, and a SAML provider gives none to a command line: decide in the console',
    );
  if (proof.login) {
    if (!proof.idToken)
      throw new Error(
        `deciding needs a verified identity: put an ID token of ${proof.login.issuer} for the client ${proof.login.clientId}, at most 15 minutes old, into HOLDPOINT_ID_TOKEN, or decide in the console`,
      );
    return identityFromIdToken(proof.idToken, proof.login, proof.pool);
  }
  const file = proof.credentialFile;
  const facts = await stat(file).catch(() => null);
  if (!facts)
    throw new Error(
      `deciding needs a verified identity: ${file} is not there or not yours to read, and console.login is not set. Run the command with the --data directory of the running Holdpoint, as the user who started it`,
    );
  if ((facts.mode & 0o077) !== 0)
    throw new Error(
      `others than its owner may read ${file}: chmod 600 it, or delete it and start Holdpoint again`,
    );
  const credential = (await readFile(file, 'utf8')).trim();
  if (credential.length < 32)
    throw new Error(`${file} holds no credential: delete it and start Holdpoint again`);
  return localPerson(proof.pool);
}
