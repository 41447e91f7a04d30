import { randomUUID } from 'node:crypto';
import {
  acceptedContent,
  type ClientCapabilities,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type InputRequests,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { text } from './content.ts';

type Codec = RequestStateCodec<Record<string, unknown>>;
type Handler = (
  context: ServerContext,
) => Promise<ReturnType<typeof text> | ReturnType<typeof inputRequired>>;

const ask = (message: string, field: string, type: 'string' | 'boolean' = 'string') =>
  inputRequired.elicit({
    message,
    requestedSchema: {
      type: 'object',
      properties: { [field]: type === 'string' ? { type: 'string' } : { type: 'boolean' } },
      required: [field],
    },
  });
const sample = (question: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: question } }],
    maxTokens,
  });
const given = ({ mcpReq }: ServerContext, name: string): unknown => mcpReq.inputResponses?.[name];
const accepted = ({ mcpReq }: ServerContext, name: string, field: string): unknown =>
  acceptedContent(mcpReq.inputResponses, name)?.[field];
const sampledText = (answer: unknown): string => {
  const { content } = answer as { content?: { text?: string } };
  return content?.text ?? '';
};

/** Registers the tools that need something of the client before they answer (2026-07-28, `input_required`). */
export function registerInputRequired(server: McpServer, codec: Codec): void {
  const tools: Record<string, Handler> = { ...singleRounds(), ...statefulRounds(codec) };
  for (const [name, handler] of Object.entries(tools))
    server.registerTool(
      name,
      { description: `Asks before it answers: ${name}`, inputSchema: z.object({}) },
      (_args, context) => handler(context),
    );
}

function singleRounds(): Record<string, Handler> {
  return {
    test_input_required_result_elicitation: async (context) => {
      const name = accepted(context, 'user_name', 'name');
      if (typeof name === 'string') return text(`Hello, ${name}!`);
      return inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } });
    },
    test_input_required_result_sampling: async (context) => {
      const answer = given(context, 'capital_question');
      if (answer !== undefined) return text(`Sampling response: ${sampledText(answer)}`);
      const capital_question = sample('What is the capital of France?', 100);
      return inputRequired({ inputRequests: { capital_question } });
    },
    test_input_required_result_list_roots: async (context) => {
      const { roots } = (given(context, 'client_roots') ?? {}) as { roots?: { uri: string }[] };
      if (Array.isArray(roots))
        return text(`${roots.length} root(s): ${roots.map(({ uri }) => uri).join(', ')}`);
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    },
    test_missing_capability: async (context) => {
      if (given(context, 'llm_answer') !== undefined) return text('sampled');
      return inputRequired({ inputRequests: { llm_answer: sample('Reply with the single word: pong', 16) } });
    },
    test_input_required_result_capabilities: async (context) => {
      if (context.mcpReq.inputResponses !== undefined) return text('given what was declared');
      const envelope = context.mcpReq.envelope as Record<string, ClientCapabilities> | undefined;
      const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY];
      const inputRequests: InputRequests = {
        ...(declared?.elicitation && { user_name: ask('What is your name?', 'name') }),
        ...(declared?.sampling && { greeting: sample('Generate a short greeting', 50) }),
        ...(declared?.roots && { client_roots: inputRequired.listRoots() }),
      };
      if (Object.keys(inputRequests).length === 0)
        return text('the client declared nothing that could be asked for');
      return inputRequired({ inputRequests });
    },
  };
}

function statefulRounds(codec: Codec): Record<string, Handler> {
  const mint = (state: Record<string, unknown>): Promise<string> =>
    codec.mint({ ...state, nonce: randomUUID() });
  const confirm = async (tool: string) =>
    inputRequired({
      inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
      requestState: await mint({ tool }),
    });
  return {
    test_input_required_result_request_state: async (context) => {
      if (accepted(context, 'confirm', 'ok') === undefined) return confirm('request_state');
      if (context.mcpReq.requestState() !== undefined) return text('state-ok: verified and confirmed');
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'the request state is missing');
    },
    test_input_required_result_tampered_state: async (context) => {
      const confirmed = accepted(context, 'confirm', 'ok') !== undefined;
      return confirmed && context.mcpReq.requestState() !== undefined
        ? text('integrity-ok: verified')
        : confirm('tampered_state');
    },
    test_input_required_result_multiple_inputs: async (context) => {
      const name = accepted(context, 'user_name', 'name');
      const greeting = given(context, 'greeting');
      const { roots } = (given(context, 'client_roots') ?? {}) as { roots?: unknown[] };
      if (typeof name === 'string' && greeting !== undefined && Array.isArray(roots))
        return text(`${sampledText(greeting)} ${name}, ${roots.length} root(s)`);
      return inputRequired({
        inputRequests: {
          user_name: ask('What is your name?', 'name'),
          greeting: sample('Generate a greeting', 50),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await mint({ tool: 'multiple_inputs' }),
      });
    },
    test_input_required_result_multi_round: async (context) => {
      const state = context.mcpReq.requestState<Record<string, unknown>>();
      const round = state?.['tool'] === 'multi_round' ? state['round'] : 0;
      if (round === 0)
        return inputRequired({
          inputRequests: { step1: ask('Step 1: What is your name?', 'name') },
          requestState: await mint({ tool: 'multi_round', round: 1 }),
        });
      if (round === 1)
        return inputRequired({
          inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') },
          requestState: await mint({
            tool: 'multi_round',
            round: 2,
            name: accepted(context, 'step1', 'name'),
          }),
        });
      const color = accepted(context, 'step2', 'color');
      return text(`Multi-round complete: ${String(state?.['name'])} likes ${String(color)}`);
    },
  };
}
