import { askToLift, freezeWords, mayTurn, turnOn } from '../kill-switch.ts';
import { ApiProblem, type ApiRequest, endpoint } from './endpoint.ts';
import * as schema from './schemas-approvals.ts';
import { none, told } from './schemas.ts';

/** The kill switch: whoever may decide on any call turns it, and operators. */
export const killSwitch = {
  showFreeze: endpoint({
    id: 'showFreeze',
    method: 'GET',
    path: '/freeze',
    summary: 'Whether all calls are frozen, by whom and why.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.freeze,
    async run({ context }) {
      const words = await freezeWords(context.pool);
      return { frozen: words !== null, words };
    },
  }),
  freeze: endpoint({
    id: 'freeze',
    method: 'POST',
    path: '/freeze',
    summary: 'Stops all calls on every gateway at once, and all deadlines.',
    permission: null,
    params: none,
    query: none,
    body: schema.freezeBody,
    status: 200,
    response: told,
    async run(request) {
      await mayHere(request);
      const { body, identity, caller, context } = request;
      return turnOn(context, { identity, via: caller.via }, body.reason ?? '');
    },
  }),
  unfreeze: endpoint({
    id: 'unfreeze',
    method: 'POST',
    path: '/freeze/lift',
    summary: 'Asks to lift the freeze; the second person who does so lifts it.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: told,
    async run(request) {
      await mayHere(request);
      const { identity, caller, context } = request;
      return askToLift(context, { identity, via: caller.via });
    },
  }),
};

async function mayHere({ identity, context }: ApiRequest<unknown, unknown, unknown>): Promise<void> {
  if (!(await mayTurn(context, identity)))
    throw new ApiProblem(
      'forbidden',
      'only members of an approver group, operators and owners may do this; nothing was changed',
    );
}
