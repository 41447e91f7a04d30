import type { HoldVerdict } from '../../policy/verdict.ts';
import type { ApprovalStatus } from '../../workflows/contract.ts';

/** The status of a request to which nothing out of the ordinary has happened. */
export const plainStatus: Omit<ApprovalStatus, 'outcome' | 'votes' | 'approvalsNeeded' | 'expiresAtMs'> = {
  stillNeeded: '',
  joined: [],
  extensions: [],
  clockStopped: null,
  slackAway: false,
};

/** The terms of a hold on which nobody is reminded and nothing escalates. */
export const plainTerms: Pick<
  HoldVerdict,
  'quorum' | 'remindersMs' | 'escalation' | 'extension' | 'onSlackOutage'
> = {
  quorum: { kind: 'together', approvals: 1 },
  remindersMs: [],
  escalation: [],
  extension: null,
  onSlackOutage: 'continue',
};
