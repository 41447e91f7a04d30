import type { FastifyInstance } from 'fastify';
import { ApiProblem } from './api/endpoint.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext } from './deps.ts';
import { PageError } from './errors.ts';
import { actOrPage, act, filled, pageOf, sentence } from './page-acts.ts';
import { type FormAsked, maskReportPage, reportFormPage } from './pages/mask-report.ts';
import { formOf } from './requests.ts';
import { allowed } from './routes-sessions.ts';
import { visitOf } from './sign-in.ts';

const refreshSeconds = 2;

/** Comparing recorded traffic with what a changed policy would mask of it. For whoever may read recordings. */
export function maskReportRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/masking/report', async (request, reply) => {
    const visit = visitOf(request);
    allowed(context, visit);
    possible(context);
    const { reports: earlier } = await actOrPage(context, visit, operations.listMaskReports, {});
    reply.type('text/html');
    return reportFormPage({ asked: yesterday(context.now()), problem: null, earlier }, visit).toString();
  });

  app.post('/masking/report', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    allowed(context, visit);
    possible(context);
    const asked = askedOf(form);
    try {
      const { id } = await act(context, visit, operations.startMaskReport, { body: wantedOf(asked) });
      return await reply.redirect(`/masking/report/${id}`, 303);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status >= 500) throw pageOf(error);
      const { reports: earlier } = await actOrPage(context, visit, operations.listMaskReports, {});
      reply.code(error.code === 'bad_request' ? 422 : error.status).type('text/html');
      return reportFormPage({ asked, problem: sentence(error.message), earlier }, visit).toString();
    }
  });

  app.get<{ Params: { id: string } }>('/masking/report/:id', async (request, reply) => {
    const visit = visitOf(request);
    allowed(context, visit);
    const { id } = request.params;
    const report = await act(context, visit, operations.showMaskReport, { params: { id } }).catch(noReport);
    reply.type('text/html');
    if (report.state === 'running') reply.header('refresh', String(refreshSeconds));
    return maskReportPage(report, visit).toString();
  });

  app.post<{ Params: { id: string } }>('/masking/report/:id/delete', async (request, reply) => {
    const visit = visitOf(request);
    context.visits.checkForm(visit, formOf(request));
    allowed(context, visit);
    const { id } = request.params;
    await act(context, visit, operations.deleteMaskReport, { params: { id } }).catch(noReport);
    return reply.redirect('/masking/report', 303);
  });
}

/** @throws PageError where nothing can be compared */
function possible({ maskReport }: ConsoleContext): void {
  if (!maskReport)
    throw new PageError(
      503,
      'This console has no policy to compare with',
      'The process was started without a policy file.',
      'Run `holdpoint mask --report --database` where the gateway runs.',
    );
}

function noReport(error: unknown): never {
  if (!(error instanceof ApiProblem) || error.code !== 'not_found') throw pageOf(error);
  throw new PageError(
    404,
    'There is no such report',
    'It is another person’s, was deleted, or is older than a week.',
    'Ask for a new one.',
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

/** The same, as the operation takes it. @throws ApiProblem */
function wantedOf({ from, to, connection, profile, groups, policy }: FormAsked) {
  const [start, end] = [from, to].map((day) =>
    /^\d{4}-\d{2}-\d{2}$/.test(day) ? new Date(`${day}T00:00:00Z`) : new Date(Number.NaN),
  ) as [Date, Date];
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime()) || start >= end)
    throw new ApiProblem('invalid', 'From and before are days, and the first is the earlier one');
  return {
    from: start.toISOString(),
    to: end.toISOString(),
    connection: filled(connection),
    profile: filled(profile),
    policy: filled(policy) && policy,
    groups: groups.split(/[,\n]/).flatMap((group) => group.trim() || []),
  };
}

/** Yesterday, as days (UTC). */
function yesterday(now: Date): FormAsked {
  const day = (daysAgo: number): string =>
    new Date(now.getTime() - daysAgo * 86_400_000).toISOString().slice(0, 10);
  return { from: day(1), to: day(0), connection: '', profile: '', groups: '', policy: '' };
}
