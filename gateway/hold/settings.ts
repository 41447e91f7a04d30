/** How holding behaves; times in milliseconds. */
export interface HoldSettings {
  /** How long an approved call waits for a live caller under `onDisconnect: keep`. */
  readonly graceMs: number;
  /** How long an outcome is kept for a client that comes back. */
  readonly retentionMs: number;
  /** After how long a client without a progress token is answered that its call is pending. */
  readonly replyBudgetMs: number;
  /** The same for a client that sent a progress token, and so is kept alive by progress. */
  readonly progressBudgetMs: number;
  /** Differently for some clients; the first that fits counts. */
  readonly clients: readonly ClientHoldSettings[];
  /** How many held calls one caller may have open. */
  readonly heldCallsPerCaller: number;
  /** How long opening the approval workflow may take before the call is refused as retryable. */
  readonly openDeadlineMs: number;
  /** How long an executor may be silent before its call counts as lost. */
  readonly executorSilenceMs: number;
}

/** How holding behaves towards some clients: those that fit all that is named. */
export interface ClientHoldSettings {
  readonly connections: readonly string[] | null;
  /** As policy and recording name them. */
  readonly subjects: readonly string[] | null;
  /** As the recording names credentials (`jti:…`, `sha256:…`). */
  readonly credentials: readonly string[] | null;
  /** null is for as long as it takes; undefined leaves it as it is for all. */
  readonly replyBudgetMs?: number | null;
  readonly progressBudgetMs?: number | null;
  /**
   * What a client that can be asked things is asked while it waits: to look at the request's page (`page`), or nothing
   * but to keep the question open, for clients whose clock stands still meanwhile (`wait`).
   */
  readonly elicit?: 'page' | 'wait';
}

/** What the first settings that fit a client say; nothing where none do. */
export function clientSettingsOf(
  { clients }: Pick<HoldSettings, 'clients'>,
  who: { readonly connection: string; readonly subject: string; readonly credentialId: string | null },
): Pick<ClientHoldSettings, 'replyBudgetMs' | 'progressBudgetMs' | 'elicit'> {
  const fits = (wanted: readonly string[] | null, has: string | null): boolean =>
    wanted === null || (has !== null && wanted.includes(has));
  return (
    clients.find(
      ({ connections, subjects, credentials }) =>
        fits(connections, who.connection) &&
        fits(subjects, who.subject) &&
        fits(credentials, who.credentialId),
    ) ?? {}
  );
}

/** What is used unless configured otherwise. */
export const defaultHoldSettings: HoldSettings = {
  graceMs: 600_000,
  retentionMs: 86_400_000,
  replyBudgetMs: 50_000,
  progressBudgetMs: 210_000,
  clients: [],
  heldCallsPerCaller: 100,
  openDeadlineMs: 5_000,
  executorSilenceMs: 20_000,
};
