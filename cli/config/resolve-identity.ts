import type { Problem } from '../../policy/problems.ts';
import type { Config } from './config.ts';
import { toMs } from './resolve-recording.ts';
import type { ConfigFile } from './schema.ts';

/**
 * Who may call.
 * @param alone whether only this machine can reach any listener
 */
export function identityOf({ identity, connections }: ConfigFile, alone: boolean): Config['identity'] {
  return {
    issuers: (identity?.issuers ?? []).map(({ clockSkew, audience, jwksUrl, ...issuer }) => ({
      ...issuer,
      audience: [audience ?? []].flat(),
      jwksUrl: jwksUrl ?? null,
      clockSkewMs: toMs(clockSkew),
    })),
    workloads: (identity?.workloads ?? []).map(({ audience, scopes, jwksUrl, ...workload }) => ({
      ...workload,
      audience: [audience].flat(),
      scopes: scopes ?? null,
      jwksUrl: jwksUrl ?? null,
    })),
    authorizationServer: authorizationOf(identity?.authorizationServer),
    accessTokens: {
      named: identity?.accessTokens !== undefined,
      longestMs: toMs(identity?.accessTokens?.longest ?? '366d'),
    },
    toolClasses: Object.fromEntries(
      Object.entries(connections).flatMap(([name, { scopes }]) => (scopes ? [[name, scopes]] : [])),
    ),
    dpopNonces: identity?.dpopNonces ?? false,
    anonymous: identity === undefined ? localAgent(alone) : (identity.anonymous ?? null),
  };
}

/**
 * How people log in.
 * @param publicUrl of the console, by which a SAML provider knows it unless it is told another name
 */
export function loginOf(
  login: ConfigFile['console']['login'],
  publicUrl: string,
): Config['console']['login'] {
  if (!login) return null;
  if (!('saml' in login)) {
    const { scope, ...provider } = login;
    return { mode: 'oidc', ...provider, ...(scope !== undefined && { scope }) };
  }
  const { idpCerts, clockSkew, ...saml } = login.saml;
  return {
    mode: 'saml',
    ...saml,
    idpCerts: [idpCerts].flat(),
    entityId: saml.entityId ?? `${publicUrl}/login/saml/metadata`,
    emailAttribute: saml.emailAttribute ?? null,
    nameAttribute: saml.nameAttribute ?? null,
    subjectAttribute: saml.subjectAttribute ?? null,
    clockSkewMs: toMs(clockSkew),
    privateKey: saml.privateKey ?? null,
    publicCert: saml.publicCert ?? null,
  };
}

function authorizationOf(
  server: NonNullable<ConfigFile['identity']>['authorizationServer'],
): Config['identity']['authorizationServer'] {
  if (!server) return null;
  const { accessTokenLife, signInLife, ...rest } = server;
  return { ...rest, accessTokenLifeMs: toMs(accessTokenLife), signInLifeMs: toMs(signInLife) };
}

/** Scopes name connections and classes that there are. */
export function unknownScopes({ identity, connections }: ConfigFile): readonly Problem[] {
  return (identity?.workloads ?? []).flatMap(({ scopes = [] }, index) =>
    scopes.flatMap((scope, at) => {
      const [, name = '', tools] = scope.split(':');
      const connection = Object.hasOwn(connections, name) ? connections[name] : undefined;
      const known = connection && (tools === undefined || Object.hasOwn(connection.scopes ?? {}, tools));
      const path = ['identity', 'workloads', index, 'scopes', at];
      return known
        ? []
        : [{ path, message: 'names no connection (or class of its tools) that is configured' }];
    }),
  );
}

/** Who calls when nothing is said of identity: anyone on this machine, if only this machine can call. */
function localAgent(alone: boolean): Config['identity']['anonymous'] {
  return alone ? { subject: 'local-agent', groups: [] } : null;
}
