import { UpstreamError } from '../errors.ts';

/** A credential cannot be had now, so nothing is sent. Names the connection and why, never a value. */
export function credentialsUnavailable(connection: string, why: string, cause?: unknown): UpstreamError {
  return new UpstreamError(
    'credentials_unavailable',
    `the credential for upstream "${connection}" cannot be had (${why}); nothing was sent`,
    { sent: false, cause },
  );
}
