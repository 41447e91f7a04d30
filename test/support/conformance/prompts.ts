import { acceptedContent, inputRequired, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { png } from './content.ts';

type Content =
  | { type: 'text'; text: string }
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; text: string } };

function says(...contents: Content[]): { messages: { role: 'user'; content: Content }[] } {
  return { messages: contents.map((content) => ({ role: 'user', content })) };
}

/** Registers the prompts that the suites get. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'Without arguments' }, async () =>
    says({ type: 'text', text: 'This is a simple prompt for testing.' }),
  );
  const two = z.object({ arg1: z.string().describe('First'), arg2: z.string().describe('Second') });
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With arguments', argsSchema: two },
    async ({ arg1, arg2 }) =>
      says({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  );
  const uri = z.object({ resourceUri: z.string().describe('What to embed') });
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Embeds a resource', argsSchema: uri },
    async ({ resourceUri }) =>
      says(
        {
          type: 'resource',
          resource: {
            uri: resourceUri,
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
        { type: 'text', text: 'Please process the embedded resource above.' },
      ),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'Has an image' }, async () =>
    says(
      { type: 'image', data: png, mimeType: 'image/png' },
      { type: 'text', text: 'Please analyze the image above.' },
    ),
  );
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Asks first' },
    async (context) => {
      const { inputResponses } = context.mcpReq;
      const given = acceptedContent<{ context: string }>(inputResponses, 'user_context')?.context;
      if (typeof given === 'string')
        return says({ type: 'text', text: `Use the following context: ${given}` });
      const requestedSchema = {
        type: 'object' as const,
        properties: { context: { type: 'string' as const } },
        required: ['context'],
      };
      const user_context = inputRequired.elicit({ message: 'Which context?', requestedSchema });
      return inputRequired({ inputRequests: { user_context } });
    },
  );
}
