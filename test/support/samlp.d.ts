declare module 'samlp' {
  /** The part of samlp (a SAML 2.0 identity provider) that tests use. */
  export function getSamlResponse(
    options: Readonly<Record<string, unknown>>,
    user: unknown,
    callback: (error: Error | null, xml: string) => void,
  ): void;
  const samlp: { getSamlResponse: typeof getSamlResponse };
  export default samlp;
}
