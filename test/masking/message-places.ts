/** Every place of MCP's messages, 2024-11-05 to 2026-07-28, in which a string may stand that is not the protocol's own. */
export const places: Readonly<Record<string, (c: string) => unknown>> = {
  'tools/call arguments': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { q: c, deep: [{ a: [c] }] } },
  }),
  'tools/call arguments, JSON in a string': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { body: JSON.stringify({ x: JSON.stringify({ y: c }) }) } },
  }),
  'tools/call argument names': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: { [c]: 1 } },
  }),
  'input responses': (c) => ({
    method: 'tools/call',
    params: { name: 't', arguments: {}, inputResponses: { a: { action: 'accept', content: { v: c } } } },
  }),
  'request _meta': (c) => ({ method: 'tools/list', params: { _meta: { 'vendor/x': c } } }),
  'prompts/get arguments': (c) => ({ method: 'prompts/get', params: { name: 'p', arguments: { who: c } } }),
  'resources/read uri': (c) => ({ method: 'resources/read', params: { uri: `file:///x?token=${c}` } }),
  'completion argument and context': (c) => ({
    method: 'completion/complete',
    params: {
      ref: { type: 'ref/prompt', name: 'p' },
      argument: { name: 'a', value: c },
      context: { arguments: { b: c } },
    },
  }),
  'client info title': (c) => ({
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { experimental: { x: c } },
      clientInfo: { name: c, version: '1', title: c },
    },
  }),
  'roots, answer of the client': (c) => ({ result: { roots: [{ uri: 'file:///a', name: c }] } }),
  'sampling request': (c) => ({
    method: 'sampling/createMessage',
    params: {
      messages: [{ role: 'user', content: { type: 'text', text: c } }],
      systemPrompt: c,
      metadata: { m: c },
      tools: [{ name: 't', description: c, inputSchema: { type: 'object' } }],
      stopSequences: [c],
    },
  }),
  'sampling answer': (c) => ({ result: { role: 'assistant', model: c, content: { type: 'text', text: c } } }),
  'sampling tool use and result': (c) => ({
    result: {
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'tool_use', id: '1', name: 't', input: { x: c } },
        {
          type: 'tool_result',
          toolUseId: '1',
          content: [{ type: 'text', text: c }],
          structuredContent: { s: c },
        },
      ],
    },
  }),
  'elicitation request': (c) => ({
    method: 'elicitation/create',
    params: {
      message: c,
      requestedSchema: {
        type: 'object',
        properties: { a: { type: 'string', title: c, description: c, default: c, enum: [c] } },
      },
    },
  }),
  'elicitation by address': (c) => ({
    method: 'elicitation/create',
    params: { mode: 'url', elicitationId: 'e', message: c, url: `https://x.example/?t=${c}` },
  }),
  'elicitation answer': (c) => ({ result: { action: 'accept', content: { a: c } } }),
  'text content': (c) => ({
    result: { content: [{ type: 'text', text: `see ${c}`, annotations: { note: c }, _meta: { m: c } }] },
  }),
  'embedded resource': (c) => ({
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'file:///a', mimeType: 'text/plain', text: c, _meta: { m: c } },
        },
      ],
    },
  }),
  'embedded resource, bytes of text': (c) => ({
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'file:///a', mimeType: 'text/plain', blob: Buffer.from(c).toString('base64') },
        },
      ],
    },
  }),
  'resource link': (c) => ({
    result: {
      content: [{ type: 'resource_link', uri: `file:///a?k=${c}`, name: c, title: c, description: c }],
    },
  }),
  'structured content': (c) => ({
    result: { content: [], structuredContent: { rows: [{ v: c }], [c]: true } },
  }),
  'a failed tool': (c) => ({ result: { isError: true, content: [{ type: 'text', text: c }] } }),
  'result _meta': (c) => ({ result: { content: [], _meta: { 'vendor/trace': c } } }),
  'resources/read': (c) => ({
    result: {
      contents: [
        { uri: 'file:///a', mimeType: 'application/json', text: JSON.stringify({ a: c }) },
        { uri: 'file:///b', blob: Buffer.from(c).toString('base64'), mimeType: 'text/csv' },
      ],
    },
  }),
  'resources/list': (c) => ({
    result: { resources: [{ uri: 'file:///a', name: c, title: c, description: c }], _meta: { x: c } },
  }),
  'resource templates': (c) => ({
    result: { resourceTemplates: [{ uriTemplate: 'file:///{a}', name: c, description: c }] },
  }),
  'prompts/get': (c) => ({
    result: {
      description: c,
      messages: [
        { role: 'user', content: { type: 'text', text: c } },
        { role: 'user', content: { type: 'resource', resource: { uri: 'file:///a', text: c } } },
      ],
    },
  }),
  'prompts/list': (c) => ({
    result: {
      prompts: [{ name: 'p', title: c, description: c, arguments: [{ name: 'a', description: c }] }],
    },
  }),
  'tools/list': (c) => ({
    result: {
      tools: [
        {
          name: 't',
          title: c,
          description: c,
          inputSchema: {
            type: 'object',
            description: c,
            properties: {
              a: { type: 'string', description: c, default: c, examples: [c], enum: [c], const: c },
            },
          },
          outputSchema: { type: 'object', properties: { [c]: { description: c } } },
          annotations: { title: c },
          _meta: { m: c },
        },
      ],
    },
  }),
  'initialize answer': (c) => ({
    result: {
      protocolVersion: '2025-11-25',
      capabilities: { experimental: { e: c } },
      serverInfo: { name: c, title: c, version: '1' },
      instructions: c,
    },
  }),
  'completion answer': (c) => ({ result: { completion: { values: [c, c] } } }),
  'error and its data': (c) => ({
    error: {
      code: -32000,
      message: `failed: ${c}`,
      data: { detail: c, list: [c], text: JSON.stringify({ c }) },
    },
  }),
  progress: (c) => ({
    method: 'notifications/progress',
    params: { progressToken: 1, progress: 1, message: c },
  }),
  logging: (c) => ({
    method: 'notifications/message',
    params: { level: 'info', logger: c, data: { text: c, lines: [c] } },
  }),
  'logging of text': (c) => ({ method: 'notifications/message', params: { level: 'info', data: c } }),
  cancelled: (c) => ({ method: 'notifications/cancelled', params: { requestId: 1, reason: c } }),
  'resource updated': (c) => ({
    method: 'notifications/resources/updated',
    params: { uri: `x://a?sig=${c}`, title: c },
  }),
  'task status': (c) => ({
    result: {
      taskId: 't1',
      status: 'failed',
      statusMessage: c,
      task: { taskId: 't1', status: 'working', statusMessage: c },
    },
  }),
  'input required': (c) => ({
    result: {
      resultType: 'input_required',
      requestState: 's',
      inputRequests: {
        a: {
          method: 'elicitation/create',
          params: { message: c, requestedSchema: { type: 'object', properties: {} } },
        },
      },
    },
  }),
  'a method nobody knows': (c) => ({ method: 'vendor/thing', params: { [c]: { x: [c] }, y: c } }),
};
