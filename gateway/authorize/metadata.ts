import { dpopAlgorithms } from '../identify/dpop.ts';
import { scopesOf } from '../identify/scopes.ts';
import { paths } from './paths.ts';
import type { AuthorizationSettings } from './settings.ts';

/** The metadata of the authorization server (RFC 8414, OpenID Connect discovery): one document for both. */
export function serverMetadata(settings: AuthorizationSettings): Readonly<Record<string, unknown>> {
  const { issuer, connections, toolClasses } = settings;
  return {
    issuer,
    authorization_endpoint: issuer + paths.authorize,
    token_endpoint: issuer + paths.token,
    jwks_uri: issuer + paths.keys,
    revocation_endpoint: issuer + paths.revoke,
    ...(settings.registration && { registration_endpoint: issuer + paths.register }),
    client_id_metadata_document_supported: settings.clientDocuments,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    scopes_supported: connections.flatMap((name) => [...scopesOf(name, toolClasses[name])]),
    authorization_response_iss_parameter_supported: true,
    dpop_signing_alg_values_supported: dpopAlgorithms,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
