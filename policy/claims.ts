/** Verified claims that cannot be turned into somebody. The message may be shown to whoever presented them. */
export class UnusableClaims extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnusableClaims';
  }
}

/** Claims of a token (or a UserInfo answer) whose signature, issuer and times have been checked. */
export type Claims = Readonly<Record<string, unknown>>;

const maxGroups = 2_000;

/**
 * Groups by a claim, whose name may itself contain dots or lead into nested claims; a single text is one group.
 * @throws UnusableClaims when they are elsewhere (`_claim_names`) or no list of texts: read as none, they could make a
 *   rule not match that should
 */
export function groupsInClaims(claims: Claims, claim: string): readonly string[] {
  const elsewhere = claims['_claim_names'];
  if (isMap(elsewhere) && Object.hasOwn(elsewhere, claim))
    throw new UnusableClaims(
      `the token does not carry \`${claim}\` itself (too many groups); have the issuer send only the groups assigned to this application`,
    );
  const value = claimAt(claims, claim);
  if (value === undefined || value === null) return [];
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (groups.length > maxGroups || !groups.every((group): group is string => typeof group === 'string'))
    throw new UnusableClaims(`the token's \`${claim}\` is not a list of at most ${maxGroups} texts`);
  return groups;
}

/** A claim by its name or by a dotted path; the names on the way may have dots themselves (`kubernetes.io.namespace`). */
export function claimAt(at: unknown, path: string): unknown {
  if (!isMap(at)) return undefined;
  if (Object.hasOwn(at, path)) return at[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const name = path.slice(0, dot);
    const found = Object.hasOwn(at, name) ? claimAt(at[name], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a value is a JSON object. */
export function isMap(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
