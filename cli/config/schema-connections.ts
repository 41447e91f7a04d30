import { z } from 'zod';
import { connectionTls, httpCredentials, secretReference } from './schema-credentials.ts';
import { duration, headerName, headerValue, isUpstreamUrl, text } from './forms.ts';

const toolClasses = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be lower-case letters, digits, `_` or `-`'),
    z.array(text).min(1, 'must name at least one tool'),
  )
  .optional()
  .describe(
    'Classes of its tools, each with globs of tool names; the first class that matches is the class of a tool. A call then needs a token with the scope `mcp:CONNECTION:CLASS`, or `mcp:CONNECTION` for all of it.',
  );

const sealedCopy = z
  .boolean()
  .default(false)
  .describe(
    'Keeps what masking takes out as a second copy, sealed to `keys.breakGlass.publicKey`; two people together can have it opened.',
  );

const httpConnection = z.strictObject({
  url: z
    .string()
    .refine(isUpstreamUrl, 'must be an http:// or https:// URL without user, password or fragment')
    .describe("The MCP server's streamable HTTP endpoint."),
  headers: z.record(headerName, headerValue).default({}).describe('Headers sent with every request.'),
  credentials: httpCredentials
    .optional()
    .describe('The credential that the upstream server needs, so that agents need not hold it.'),
  tls: connectionTls.optional().describe('Client certificate (mutual TLS) and certificate authorities.'),
  scopes: toolClasses,
  sealedCopy,
  connectTimeout: duration.default('10s').describe('How long connecting may take.'),
  idleTimeout: duration
    .default('10m')
    .describe('How long the upstream server may be silent within one exchange.'),
});

const stdioConnection = z.strictObject({
  command: z
    .array(text)
    .min(1, 'must name a program')
    .describe('Program and arguments; started without a shell.'),
  cwd: text.optional().describe('Working directory, relative to this file.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name'), z.string())
    .default({})
    .describe('Environment of the process, beside PATH and HOME.'),
  secretEnv: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name'), secretReference)
    .default({})
    .describe('More of its environment, from secret stores; read when the process starts.'),
  scopes: toolClasses,
  sealedCopy,
  maxProcesses: z
    .int()
    .min(1)
    .max(10_000)
    .default(32)
    .describe('Processes at the same time; one serves one client session.'),
  idleTimeout: duration
    .default('10m')
    .describe('How long the upstream server may be silent within one exchange.'),
});

/** Says it plainly where both kinds of connection would complain of the other's keys. */
function neitherOrBoth(connection: unknown): string | undefined {
  if (typeof connection !== 'object' || connection === null) return undefined;
  if ('url' in connection && 'command' in connection) return 'has both `url` and `command`; keep one';
  if ('url' in connection || 'command' in connection) return undefined;
  return 'needs `url` (streamable HTTP) or `command` (a program to start)';
}

const connectionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, `_` or `-`');

/** The `connections` section. */
export const connections = z
  .record(
    connectionName,
    z.union([httpConnection, stdioConnection], { error: ({ input }) => neitherOrBoth(input) }),
  )
  .default({})
  .describe('The upstream MCP servers by name; agents reach them at `/mcp/<name>`.');
