import { randomBytes } from 'node:crypto';
import { UpstreamError } from '../../errors.ts';
import type { RpcResponse } from '../../mcp/rpc-message.ts';
import { membersAt } from '../../mcp/strict-json.ts';
import type { UpstreamMessage } from '../upstream.ts';

/** Asks a 2025 client, by server-to-client requests, what a 2026-07-28 upstream needs (`input_required`). */
export interface ClientQuestions {
  /**
   * Makes the requests for what is needed; `answers` resolves once the client has answered all of them.
   * @param inputRequests raw JSON text, as upstream sent it
   */
  ask(inputRequests: string, signal: AbortSignal): Asked;
  /** Takes in a response of the client's. */
  answer(response: RpcResponse): void;
}

export interface Asked {
  readonly requests: readonly UpstreamMessage[];
  /** Raw JSON text of `inputResponses`. @throws UpstreamError when the client refuses, or the call is given up */
  readonly answers: () => Promise<string>;
}

export function createClientQuestions(name: string): ClientQuestions {
  const waiting = new Map<string, (response: RpcResponse) => void>();
  const prefix = `gw-${randomBytes(6).toString('base64url')}`;
  let count = 0;

  function answerTo(idJson: string, signal: AbortSignal): Promise<RpcResponse> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        waiting.delete(idJson);
        reject(new UpstreamError('upstream_aborted', `the call to ${name} was given up`, { sent: true }));
      };
      signal.addEventListener('abort', stop, { once: true });
      waiting.set(idJson, (response) => {
        waiting.delete(idJson);
        signal.removeEventListener('abort', stop);
        resolve(response);
      });
    });
  }

  return {
    ask(inputRequests, signal) {
      const inputs = [...membersAt(inputRequests, 0)];
      const asked = inputs.map(([key, { start, end }]) => {
        const input = inputRequests.slice(start, end);
        const { method } = JSON.parse(input) as { method: string };
        const idJson = JSON.stringify(`${prefix}-${++count}`);
        const json = `{"jsonrpc":"2.0","id":${idJson},${input.slice(1)}`;
        return { key, answer: answerTo(idJson, signal), message: { json, kind: 'request', method } as const };
      });
      return {
        requests: asked.map(({ message }) => message),
        answers: async () => {
          const members: string[] = [];
          for (const { key, answer } of asked)
            members.push(`${JSON.stringify(key)}:${resultOf(await answer, name)}`);
          return `{${members.join(',')}}`;
        },
      };
    },
    answer: (response) => waiting.get(response.idJson)?.(response),
  };
}

function resultOf({ json, error }: RpcResponse, name: string): string {
  if (error)
    throw new UpstreamError(
      'upstream_refused',
      `${name} asked the client for something that it does not give`,
      {
        sent: true,
      },
    );
  const span = membersAt(json, json.indexOf('{')).get('result');
  return span ? json.slice(span.start, span.end) : '{}';
}
