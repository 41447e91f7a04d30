import {
  deleteReport,
  type MaskReportRecord,
  reportOf,
  reportsBy,
  type ReportWanted,
} from '../../db/mask-reports.ts';
import type { ActContext } from '../deps.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import { recordingsOf } from './recorded.ts';
import * as schema from './schemas-masking.ts';
import { done, idParam, none } from './schemas.ts';

const mostListed = 100;
/** A policy with rule files of gitleaks' size, as JSON. */
const reportLimitBytes = 4 * 1024 * 1024;
/** The longest text, as JSON. */
const tryLimitBytes = 9 * 1024 * 1024;

/** What masking does with a text, and what a changed policy would have done with what was recorded. */
export const masking = {
  tryMasking: endpoint({
    id: 'tryMasking',
    method: 'POST',
    path: '/masking/try',
    summary: 'Masks a text by a profile of the policy in force, and says what was found. Nothing is kept.',
    permission: 'recordings.read',
    looks: true,
    bodyLimitBytes: tryLimitBytes,
    params: none,
    query: none,
    body: schema.tryBody,
    status: 200,
    response: schema.tried,
    async run({ body, context }) {
      if (!context.rules) throw noPolicy();
      const profiles = context.rules.profiles();
      const { text, profile = 'default' } = body;
      if (!profiles.includes(profile)) throw noProfile(profile, profiles);
      const { later } = context.rules.masking().masker(profile);
      const isJson = looksLikeJson(text);
      const startedAt = performance.now();
      const result = await (isJson ? later.json(text) : later.text(text));
      return {
        profile,
        profiles: [...profiles],
        isJson,
        text: result.text,
        findings: [...result.findings],
        tookMs: performance.now() - startedAt,
      };
    },
  }),
  startMaskReport: endpoint({
    id: 'startMaskReport',
    method: 'POST',
    path: '/masking/reports',
    summary:
      'Begins to compare recorded traffic with what a changed policy would mask of it. Who asks is recorded first; at most two reports are under way at once.',
    permission: 'recordings.read',
    looks: true,
    bodyLimitBytes: reportLimitBytes,
    again: 'Asking again begins a second report: look at yours first (holdpoint mask --report --list)',
    params: none,
    query: none,
    body: schema.reportBody,
    status: 201,
    response: schema.report,
    async run({ body, identity, caller, context }) {
      const recordings = recordingsOf(context);
      if (!context.maskReport) throw noPolicy();
      const wanted = wantedOf(body, context.now());
      const { policy, ruleFiles = [] } = body;
      const ready = await context.maskReport(policy === undefined ? null : { text: policy, ruleFiles });
      if ('problems' in ready)
        throw new ApiProblem(
          'invalid',
          `the policy is wrong: ${ready.problems
            .map(({ line, path, message }) => `${line === null ? '' : `line ${line}, `}${path}: ${message}`)
            .join('; ')}`,
        );
      if (wanted.profile !== null && !ready.profiles.includes(wanted.profile))
        throw noProfile(wanted.profile, ready.profiles);
      const id = await context.runningReports.start(recordings, { identity, caller }, ready, {
        ...wanted,
        ownPolicy: policy !== undefined,
      });
      return reportFor(context, id, identity.person.keys).then(shown);
    },
  }),
  listMaskReports: endpoint({
    id: 'listMaskReports',
    method: 'GET',
    path: '/masking/reports',
    summary: 'Masking reports that you asked for in the last week, newest first.',
    permission: 'recordings.read',
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.reports,
    async run({ identity, context }) {
      const found = await reportsBy(context.pool, identity.person.keys, mostListed);
      return { reports: found.map(shown) };
    },
  }),
  showMaskReport: endpoint({
    id: 'showMaskReport',
    method: 'GET',
    path: '/masking/reports/{id}',
    summary:
      'A masking report of yours: how far it is, and what came of it. Counts and places, never values.',
    permission: 'recordings.read',
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.wholeReport,
    async run({ params, identity, context }) {
      const found = await reportFor(context, params.id, identity.person.keys);
      const { outcome } = found;
      const rows = outcome?.rows.map(({ places, ...row }) => ({ ...row, places: [...places] })) ?? null;
      return { ...shown(found), byGroup: outcome?.byGroup ?? null, rows };
    },
  }),
  deleteMaskReport: endpoint({
    id: 'deleteMaskReport',
    method: 'DELETE',
    path: '/masking/reports/{id}',
    summary: 'Takes away a masking report of yours; one that is under way ends.',
    permission: 'recordings.read',
    looks: true,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: done,
    async run({ params, identity, context }) {
      const deleted = await deleteReport(context.pool, params.id, identity.person.keys);
      if (!deleted) throw noReport();
      context.runningReports.stop(params.id);
      return { done: true };
    },
  }),
};

/** @throws ApiProblem `not_found` for another person's too */
async function reportFor(
  { pool }: ActContext,
  id: string,
  keys: readonly string[],
): Promise<MaskReportRecord> {
  const found = await reportOf(pool, id, keys);
  if (found) return found;
  throw noReport();
}

function shown({ id, asked, startedAt, progress, outcome, state }: MaskReportRecord) {
  const { from, to, groups, ...rest } = asked;
  const { sessions, messages, unreadable } = outcome ?? progress;
  return {
    id,
    state,
    startedAt: startedAt.toISOString(),
    ...rest,
    from: from.toISOString(),
    to: to.toISOString(),
    groups: groups && [...groups],
    sessions,
    messages,
    unreadable,
  };
}

/** Yesterday from midnight to midnight (UTC), unless told otherwise. @throws ApiProblem */
function wantedOf(
  asked: { [K in 'from' | 'to' | 'connection' | 'profile']?: string | undefined } & {
    groups?: string[] | undefined;
  },
  now: Date,
): ReportWanted {
  const day = 86_400_000;
  const midnight = new Date(Math.floor(now.getTime() / day) * day);
  const to = asked.to === undefined ? (asked.from === undefined ? midnight : now) : new Date(asked.to);
  const from = asked.from === undefined ? new Date(to.getTime() - day) : new Date(asked.from);
  if (from >= to) throw new ApiProblem('invalid', '`from` must be before `to`');
  const { connection = null, profile = null, groups = [] } = asked;
  return { from, to, connection, profile, groups: groups.length === 0 ? null : groups };
}

function looksLikeJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function noPolicy(): ApiProblem {
  return new ApiProblem(
    'unavailable',
    'this console was started without a policy file: run the command where the gateway runs, with --database',
  );
}

function noProfile(profile: string, profiles: readonly string[]): ApiProblem {
  return new ApiProblem(
    'invalid',
    `there is no masking profile ${JSON.stringify(profile)}; there are: ${profiles.join(', ')}`,
  );
}

function noReport(): ApiProblem {
  return new ApiProblem(
    'not_found',
    'there is no masking report of this id that you asked for in the last week',
  );
}
