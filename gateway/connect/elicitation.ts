/** The one tool of a connection at which its person has not signed in; Holdpoint's own, never upstream's. */
export const signInTool = 'holdpoint_sign_in';

/** Names the question to sign in within a client session. */
export function elicitationId(sessionId: string): string {
  return `sign-in.${sessionId}`;
}
