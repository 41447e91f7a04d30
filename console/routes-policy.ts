import type { FastifyInstance } from 'fastify';
import { operations } from './api/operations.ts';
import type { ConsoleContext, PolicyInForce, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { actOrPage, filled } from './page-acts.ts';
import { maskingPage } from './pages/masking.ts';
import { policyPage } from './pages/policy.ts';
import { formOf } from './requests.ts';
import { isAuditor } from './sight.ts';
import { visitOf } from './sign-in.ts';

/** The policy in force, and a place to try out what masking does with a text. */
export function policyRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/policy', async (request, reply) => {
    const visit = visitOf(request);
    const { policy } = inForce(context, visit);
    reply.type('text/html');
    return policyPage(policy(), visit).toString();
  });

  app.get('/masking', async (request, reply) => {
    const visit = visitOf(request);
    const { profiles } = inForce(context, visit);
    reply.type('text/html');
    return maskingPage(profiles(), null, visit).toString();
  });

  app.post('/masking', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const { profiles } = inForce(context, visit);
    const profile = filled(form['profile']);
    const body = { text: form['text'] ?? '', ...(profile !== undefined && { profile }) };
    const tried = await actOrPage(context, visit, operations.tryMasking, { body });
    reply.type('text/html');
    return maskingPage(profiles(), tried, visit).toString();
  });
}

function inForce({ rules, auditors }: ConsoleContext, visit: Visit): PolicyInForce {
  if (!isAuditor(visit.identity, auditors))
    throw new PageError(
      403,
      'The policy is shown to auditors',
      'You are signed in, but not among the people who may read the whole policy.',
      'Which rule held a request is shown on its page. Whoever runs this console names auditors in console.auditors.',
    );
  if (rules) return rules;
  throw new PageError(
    503,
    'This console has no policy to show',
    'The process was started without a policy file.',
    'Run `holdpoint policy check` where the gateway runs.',
  );
}
