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
  /** How many held calls one caller may have open. */
  readonly heldCallsPerCaller: number;
  /** How long opening the approval workflow may take before the call is refused as retryable. */
  readonly openDeadlineMs: number;
  /** How long an executor may be silent before its call counts as lost. */
  readonly executorSilenceMs: number;
}

/** What is used unless configured otherwise. */
export const defaultHoldSettings: HoldSettings = {
  graceMs: 600_000,
  retentionMs: 86_400_000,
  replyBudgetMs: 50_000,
  progressBudgetMs: 210_000,
  heldCallsPerCaller: 100,
  openDeadlineMs: 3_000,
  executorSilenceMs: 20_000,
};
