/** Why the console does not start. */
export type ConsoleErrorCode =
  | 'login_missing'
  | 'local_needs_loopback'
  | 'credential_too_short'
  | 'login_unreachable'
  | 'listen_failed';

/** The console cannot start as configured; the message says what to change. */
export class ConsoleError extends Error {
  readonly code: ConsoleErrorCode;
  constructor(code: ConsoleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A request that cannot be answered as asked; becomes an error page. */
export class PageError extends Error {
  readonly status: number;
  readonly title: string;
  /** What the person can do now. */
  readonly advice: string;
  constructor(status: number, title: string, message: string, advice: string) {
    super(message);
    this.status = status;
    this.title = title;
    this.advice = advice;
  }
}
