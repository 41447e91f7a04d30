import type { Representation } from './admin.ts';

/** *Client → dedicated scope → Add mapper → Group Membership*, as docs/identity.md says. */
const groupMembership = {
  name: 'groups',
  protocol: 'openid-connect',
  protocolMapper: 'oidc-group-membership-mapper',
  config: {
    'claim.name': 'groups',
    'full.path': 'false',
    'id.token.claim': 'true',
    'userinfo.token.claim': 'true',
    'access.token.claim': 'true',
  },
} as const;

/** *Add mapper → Audience*, with an address of one's own. */
const audience = (value: string) => ({
  name: `audience ${value}`,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: { 'included.custom.audience': value, 'access.token.claim': 'true', 'id.token.claim': 'false' },
});

/** *Add mapper → Audience*, with a client that Keycloak knows: only such can be asked for in an exchange. */
const clientAudience = (clientId: string) => ({
  name: `audience ${clientId}`,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: { 'included.client.audience': clientId, 'access.token.claim': 'true' },
});

const person = (username: string, groups: readonly string[]) => ({
  username,
  enabled: true,
  email: `${username}@example.com`,
  emailVerified: true,
  firstName: username,
  lastName: 'Example',
  groups: groups.map((group) => `/${group}`),
  credentials: [{ type: 'password', value: username, temporary: false }],
});

/** The realm of a company, set up by docs/identity.md. */
export function company(consoleUrl: string, gatewayUrl: string): Representation & { readonly realm: string } {
  return {
    realm: 'company',
    enabled: true,
    // Refresh tokens are good once, as OAuth 2.1 wants it of public clients.
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
    groups: [{ name: 'deployers' }, { name: 'security', subGroups: [{ name: 'leads' }] }],
    users: [person('alice', ['deployers', 'security/leads']), person('bob', [])],
    clients: [
      {
        clientId: 'holdpoint',
        secret: 'the-secret-of-holdpoint',
        protocol: 'openid-connect',
        publicClient: false,
        standardFlowEnabled: true,
        directAccessGrantsEnabled: false,
        redirectUris: [`${consoleUrl}/login/callback`],
        protocolMappers: [groupMembership],
      },
      {
        clientId: 'agents',
        secret: 'the-secret-of-agents',
        protocol: 'openid-connect',
        publicClient: false,
        standardFlowEnabled: true,
        directAccessGrantsEnabled: true,
        serviceAccountsEnabled: true,
        redirectUris: ['http://127.0.0.1/*'],
        protocolMappers: [groupMembership, audience(gatewayUrl), audience('exchanger')],
      },
      // At which each person signs in themselves, for the server `notes`.
      {
        clientId: 'notes-client',
        secret: 'the-secret-of-notes',
        protocol: 'openid-connect',
        publicClient: false,
        standardFlowEnabled: true,
        redirectUris: [`${consoleUrl}/connections/notes/callback`],
        attributes: { 'access.token.lifespan': '12' },
        protocolMappers: [audience('notes')],
      },
      // Exchanges the tokens of callers for such that count at `notes` (RFC 8693).
      {
        clientId: 'exchanger',
        secret: 'the-secret-of-exchanger',
        protocol: 'openid-connect',
        publicClient: false,
        standardFlowEnabled: false,
        attributes: { 'standard.token.exchange.enabled': 'true' },
        protocolMappers: [clientAudience('notes')],
      },
      // The server itself, as an audience.
      { clientId: 'notes', protocol: 'openid-connect', publicClient: false, standardFlowEnabled: false },
    ],
  };
}
