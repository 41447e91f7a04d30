import { visibleText } from '../../console/visible.ts';
import { remoteApi } from '../api/remote.ts';
import {
  accessTokenFor,
  LoginError,
  revokeSignIn,
  serverOf,
  type SignInPlace,
  signInPlaceOf,
} from '../login/authorization.ts';
import { type BrowserDeps, signInByBrowser } from '../login/browser-sign-in.ts';
import type { SignIns } from '../login/sign-ins.ts';
import { answering, argumentsOf, UsageError } from './answering.ts';

/** What `holdpoint login` and `logout` need. */
export interface LoginDeps extends Omit<BrowserDeps, 'say'> {
  readonly signIns: SignIns;
  /** `--server`, else what the environment or the configuration names; null when nothing does. */
  readonly server: () => Promise<string | null>;
  readonly version: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export const usage = `Usage:
  holdpoint login [--server URL] [--no-browser]   signs you in at a Holdpoint, by the address of its console
  holdpoint logout [--server URL]                 ends that sign-in, here and there

Without --server: HOLDPOINT_SERVER, the server where you are signed in, or console.publicUrl of holdpoint.yaml. From then
on commands go there. Programs take an access token with the scope holdpoint:api in HOLDPOINT_API_TOKEN instead.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs `holdpoint login`. @returns the exit code */
export async function login(argv: readonly string[], deps: LoginDeps): Promise<number> {
  return telling(argv, deps, async () => {
    const { values, positionals } = argumentsOf(argv, { 'no-browser': { type: 'boolean', default: false } });
    if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
    const server = await serverIn(deps);
    const place = await signInPlaceOf(server);
    const { issuer, resource } = place;
    if (issuer === null) throw noSignIn(place, server);
    const kept = await signInByBrowser(
      { issuer, resource },
      { ...deps, say: deps.err, ...(values['no-browser'] && { openBrowser: () => {} }) },
    );
    const api = remoteApi({ server, version: deps.version, bearer: async () => kept.accessToken });
    const { me } = await api.call('status');
    const former = await deps.signIns.find(server);
    await deps.signIns.keep(server, { ...kept, name: me.name });
    // What it replaces is of no more use; where it cannot be ended there, it ends by itself.
    if (former) await revokeSignIn(former).catch(() => {});
    const roles = me.roles.length === 0 ? 'no role; policy says what you decide on' : me.roles.join(', ');
    deps.out(`Signed in at ${server} as ${visibleText(me.name)} (${visibleText(roles)}).\n`);
    return 0;
  });
}

/** Runs `holdpoint logout`. @returns the exit code */
export async function logout(argv: readonly string[], deps: LoginDeps): Promise<number> {
  return telling(argv, deps, async () => {
    const { positionals } = argumentsOf(argv, {});
    if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
    const server = await serverIn(deps);
    // A sign-in that cannot be renewed any more has nothing to end.
    const stands = await accessTokenFor(deps.signIns, server).then(
      (token) => token !== null,
      () => true,
    );
    const kept = stands ? await deps.signIns.find(server) : null;
    if (!kept) {
      deps.err(`Nobody is signed in at ${server}.\n`);
      return 1;
    }
    await deps.signIns.forget(server);
    try {
      await revokeSignIn(kept);
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      deps.err(
        `Forgotten here, but ${visibleText(error.message)}: end it on the console, at ${server}/tokens.\n`,
      );
      return 1;
    }
    deps.out(`Signed out at ${server}.\n`);
    return 0;
  });
}

async function telling(
  argv: readonly string[],
  deps: LoginDeps,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await answering({ argv, usage, out: deps.out, err: deps.err }, work);
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    deps.err(`${visibleText(error.message)}\n`);
    return 1;
  }
}

async function serverIn(deps: LoginDeps): Promise<string> {
  const server = await deps.server();
  if (server === null)
    throw new UsageError(
      'which Holdpoint? Name the address of its console: --server https://holdpoint.example',
    );
  return serverOf(server);
}

function noSignIn({ login: mode }: SignInPlace, server: string): LoginError {
  return new LoginError(
    mode === 'local'
      ? `Nobody signs in at ${server}: commands on its machine, in its directory (or with --data), prove themselves by the data directory's credential.`
      : `${server} lets no programs sign in: set identity.authorizationServer there (docs/identity.md), or make an access token with the scope holdpoint:api at ${server}/tokens and put it into HOLDPOINT_API_TOKEN.`,
  );
}
