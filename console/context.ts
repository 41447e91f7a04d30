import { mostPackages } from './api/packages.ts';
import type { ActContext, ActDeps } from './deps.ts';
import { createRunningReports } from './mask-report.ts';
import { auditorsOf, namedBy, rolesThatMay } from './roles.ts';
import { createSlots } from './slots.ts';

/** What operations need, from what a process has: nobody is what is not said, and what is missing is null. */
export function actContext(deps: ActDeps): ActContext {
  return {
    pool: deps.pool,
    approvals: deps.approvals,
    maskText: deps.maskText,
    lookIntoSlack: deps.lookIntoSlack ?? null,
    auditors: auditorsOf(deps),
    viewers: namedBy(deps.roles ?? {}, rolesThatMay('requests.see'), deps.auditors ?? null),
    roles: deps.roles ?? {},
    containment: deps.containment ?? null,
    checkPolicy: deps.checkPolicy ?? null,
    maskReport: deps.maskReport ?? null,
    runningReports: createRunningReports(deps),
    packageSlots: createSlots(mostPackages),
    version: deps.version ?? '0.0.0',
    recordings: deps.recordings ?? null,
    breakGlass: deps.breakGlass ?? null,
    rules: deps.rules ?? null,
    definitions: deps.definitions ?? null,
    tokens: deps.tokens ?? null,
    connections: deps.connections ?? null,
    votePublicKeys: deps.votePublicKeys ?? {},
    log: deps.log,
    now: deps.now ?? (() => new Date()),
  };
}
