import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { png } from './content.ts';

/** Registers the resources that the suites read, and the handlers for what only 2025's servers are asked. */
export function registerResources(server: McpServer): void {
  const texts: Record<string, string> = {
    'static-text': 'This is the content of the static text resource.',
    'watched-resource': 'Watched resource content',
  };
  for (const [name, text] of Object.entries(texts)) {
    const uri = `test://${name}`;
    server.registerResource(name, uri, { description: name, mimeType: 'text/plain' }, async () => ({
      contents: [{ uri, mimeType: 'text/plain', text }],
    }));
  }
  const binary = 'test://static-binary';
  server.registerResource(
    'static-binary',
    binary,
    { description: 'An image', mimeType: 'image/png' },
    async () => ({
      contents: [{ uri: binary, mimeType: 'image/png', blob: png }],
    }),
  );
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  const mimeType = 'application/json';
  server.registerResource(
    'template',
    template,
    { description: 'A template', mimeType },
    async (uri, { id }) => ({
      contents: [
        {
          uri: uri.toString(),
          mimeType,
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  server.server.setRequestHandler('resources/subscribe', async () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', async () => ({}));
  server.server.setRequestHandler('logging/setLevel', async () => ({}));
  server.server.setRequestHandler('completion/complete', async () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
}
