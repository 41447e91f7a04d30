/** Entry of the thread that reads upstreams' large texts for `text-reader.ts`, one after the other. */
import { parentPort } from 'node:worker_threads';
import { carried, carry } from '../../masking/carried-text.ts';
import type { RpcEnvelope } from '../mcp/rpc-message.ts';
import { readText } from './read-text.ts';
import type { EnvelopeAt, ReadAnswer, ReadTask } from './text-reader.ts';

parentPort?.on('message', ({ id, text, rules }: ReadTask) => {
  const asked = carried(text);
  const read = readText(asked, rules);
  const answer: ReadAnswer =
    read.problem === null
      ? {
          id,
          problem: null,
          batch: read.batch,
          messages: read.messages.map((message) => placed(message, asked)),
        }
      : { id, problem: read.problem, batch: false, messages: [] };
  parentPort?.postMessage(
    answer,
    answer.messages.flatMap(({ text: own }) => (own ? [own.bytes] : [])),
  );
});

/** What goes back between threads: the text as bytes that are handed over, and none of the values that were read. */
function placed(message: RpcEnvelope, asked: string): EnvelopeAt {
  const text = message.json === asked ? null : carry(message.json);
  if (message.kind === 'response') {
    const { kind, idJson, idSpan, errorSpan } = message;
    return { text, envelope: { kind, json: '', idJson, idSpan, errorSpan } };
  }
  const { method, paramsSpan } = message;
  if (message.kind === 'notification')
    return { text, envelope: { kind: message.kind, json: '', method, paramsSpan } };
  const { kind, idJson, idSpan } = message;
  return { text, envelope: { kind, json: '', method, paramsSpan, idJson, idSpan } };
}
