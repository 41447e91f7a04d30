/** Where the authorization server answers, below the gateway's public URL. */
export const paths = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  keys: '/oauth/keys',
  revoke: '/oauth/revoke',
  register: '/oauth/register',
  signIn: '/oauth/sign-in',
} as const;
