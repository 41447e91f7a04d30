/** What a realm of these tests is made of: Keycloak's own JSON, as `kcadm.sh create realms -f` takes it. */
export type Representation = Readonly<Record<string, unknown>>;

/** The administration of a running Keycloak (its REST API, which `kcadm.sh` speaks, too). */
export interface KeycloakAdmin {
  readonly url: string;
  /** Makes a realm anew. */
  makeRealm(realm: Representation & { readonly realm: string }): Promise<void>;
  /** Calls the API below `/admin/realms/`. @returns what it answered, or null for an empty answer */
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
}

/** Opens the administration with the account that the server was started with. */
export function keycloakAdmin(url: string, account = { name: 'admin', password: 'admin' }): KeycloakAdmin {
  const token = async (): Promise<string> => {
    const answer = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: account.name,
        password: account.password,
      }),
    });
    const said = (await answer.json()) as { access_token?: string };
    if (said.access_token === undefined)
      throw new Error(`Keycloak let its administrator in not: ${answer.status}`);
    return said.access_token;
  };
  const call: KeycloakAdmin['call'] = async (method, path, body) => {
    const answer = await fetch(`${url}/admin/realms${path}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  return {
    url,
    call,
    async makeRealm(realm) {
      await call('DELETE', `/${realm.realm}`);
      await call('POST', '', realm);
    },
  };
}
