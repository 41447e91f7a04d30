/** What a workflow tells the worker that runs it, beside its history: for metrics. Never told while it is replayed. */
export type ApprovalSinks = { readonly approvals: { ended(callId: string): void } };
