import type { FastifyInstance } from 'fastify';
import { reportOf, reportsBy, type ReportWanted } from '../db/mask-reports.ts';
import type { ConsoleContext, ReadyMaskReport } from './deps.ts';
import { PageError } from './errors.ts';
import { createRunningReports, reportOwner } from './mask-report.ts';
import { maskReportPage, reportFormPage, type FormAsked } from './pages/mask-report.ts';
import { formOf } from './requests.ts';
import { allowed } from './routes-sessions.ts';
import { visitOf } from './sign-in.ts';

const listedAtMost = 20;
const refreshSeconds = 2;

/** Comparing recorded traffic with what a changed policy would mask of it. For whoever may read recordings. */
export function maskReportRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const reports = createRunningReports(context);
  app.addHook('onClose', () => reports.close());

  app.get('/masking/report', async (request, reply) => {
    const visit = visitOf(request);
    allowed(context, visit);
    reporter(context);
    const earlier = await reportsBy(context.pool, reportOwner(visit.identity), listedAtMost);
    reply.type('text/html');
    return reportFormPage({ asked: yesterday(context.now()), problems: [], earlier }, visit).toString();
  });

  app.post('/masking/report', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const recordings = allowed(context, visit);
    const asked = askedOf(form);
    const told = async (problems: readonly string[]) => {
      const earlier = await reportsBy(context.pool, reportOwner(visit.identity), listedAtMost);
      reply.code(422).type('text/html');
      return reportFormPage({ asked, problems, earlier }, visit).toString();
    };
    const wanted = wantedOf(asked);
    if ('problem' in wanted) return told([wanted.problem]);
    const ready = await reporter(context)(asked.policy === '' ? null : asked.policy);
    if ('problems' in ready)
      return told(
        ready.problems.map(
          ({ line, path, message }) => `${line === null ? '' : `line ${line}, `}${path}: ${message}`,
        ),
      );
    if (wanted.profile !== null && !ready.profiles.includes(wanted.profile))
      return told([`There is no profile ${wanted.profile}; there are ${ready.profiles.join(', ')}.`]);
    const id = await reports.start(recordings, visit.identity, ready, {
      ...wanted,
      ownPolicy: asked.policy !== '',
    });
    return reply.redirect(`/masking/report/${id}`, 303);
  });

  app.get<{ Params: { id: string } }>('/masking/report/:id', async (request, reply) => {
    const visit = visitOf(request);
    allowed(context, visit);
    const report = await reportOf(context.pool, request.params.id, reportOwner(visit.identity));
    if (!report)
      throw new PageError(
        404,
        'There is no such report',
        'It is another person’s, or older than a week.',
        'Ask for a new one.',
      );
    reply.type('text/html');
    if (report.state === 'running') reply.header('refresh', String(refreshSeconds));
    return maskReportPage(report, visit).toString();
  });
}

/** @throws PageError where nothing can be compared */
function reporter({ maskReport }: ConsoleContext): ReadyMaskReport {
  if (maskReport) return maskReport;
  throw new PageError(
    503,
    'This console has no policy to compare with',
    'The process was started without a policy file.',
    'Run `holdpoint mask --report` where the gateway runs.',
  );
}

/** What the form was sent with. */
function askedOf(form: ReturnType<typeof formOf>): FormAsked {
  const text = (name: string, most: number): string => (form[name] ?? '').trim().slice(0, most);
  return {
    from: text('from', 40),
    to: text('to', 40),
    connection: text('connection', 200),
    profile: text('profile', 100),
    groups: text('groups', 1_000),
    policy: text('policy', 1) === '' ? '' : (form['policy'] ?? ''),
  };
}

function wantedOf({ from, to, connection, profile, groups }: FormAsked): ReportWanted | { problem: string } {
  const [start, end] = [from, to].map((day) =>
    /^\d{4}-\d{2}-\d{2}$/.test(day) ? new Date(`${day}T00:00:00Z`) : new Date(Number.NaN),
  ) as [Date, Date];
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()) || start >= end)
    return { problem: 'From and before are days, and the first is the earlier one.' };
  const named = groups.split(/[,\n]/).flatMap((group) => group.trim() || []);
  return {
    from: start,
    to: end,
    connection: connection || null,
    profile: profile || null,
    groups: named.length === 0 ? null : named,
  };
}

/** Yesterday, as days (UTC). */
function yesterday(now: Date): FormAsked {
  const day = (daysAgo: number): string =>
    new Date(now.getTime() - daysAgo * 86_400_000).toISOString().slice(0, 10);
  return { from: day(1), to: day(0), connection: '', profile: '', groups: '', policy: '' };
}
