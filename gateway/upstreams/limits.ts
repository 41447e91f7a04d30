/** Limits of one upstream. */
export interface UpstreamLimits {
  /** Most bytes of one message from upstream. */
  readonly messageBytes: number;
  /** Deepest nesting of one message. */
  readonly depth: number;
  /** Longest silence within one exchange. */
  readonly idleTimeoutMs: number;
}
