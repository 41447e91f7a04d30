import type { KeyObject } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  answerBreakGlass,
  askBreakGlass,
  beginViewing,
  type BreakGlassDesk,
  BreakGlassError,
  found,
  listBreakGlass,
  mostMinutes,
  revokeBreakGlass,
  usualMinutes,
} from '../../console/break-glass.ts';
import { type BreakGlass, says } from '../../console/break-glass-request.ts';
import type { Identity } from '../../console/identity.ts';
import { openCopies, type OpenedCopy } from '../../recording/open-copies.ts';
import { timeOf, visible } from '../../recording/transcript.ts';

/** What `holdpoint break-glass …` needs. */
export interface BreakGlassCommandDeps {
  readonly desk: BreakGlassDesk;
  /** Who is at the command line, proven; throws, saying how to prove it. */
  readonly identity: () => Promise<Identity>;
  /** The private key: of a file, or the configured one. Throws, saying where it may be had. */
  readonly privateKey: (file: string | undefined) => Promise<KeyObject>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `usage: holdpoint break-glass request SESSION [--call CALL] --reason TEXT [--minutes N] [--json]
       holdpoint break-glass approve ID
       holdpoint break-glass refuse  ID
       holdpoint break-glass revoke  ID
       holdpoint break-glass list    [--json]
       holdpoint break-glass show    ID [--json]
       holdpoint break-glass view    ID [--key FILE] [--json]

Opens what masking took out of a session, or of one call of it, for who asked, once somebody else has approved: for
${usualMinutes} minutes, or as many as were asked for (at most ${mostMinutes}). Every act and every view is recorded.
FILE holds the private key; left out, keys.breakGlass.privateKey is used.
`;

/** Runs `holdpoint break-glass …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: BreakGlassCommandDeps): Promise<number> {
  const parsed = parse(argv);
  const [act, id, ...more] = parsed?.positionals ?? [];
  if (!parsed || more.length > 0 || parsed.values.help || act === undefined) {
    (parsed?.values.help ? deps.out : deps.err)(usage);
    return parsed?.values.help ? 0 : 2;
  }
  try {
    if (act === 'list' && id === undefined) return await list(deps, parsed.values.json);
    if (id === undefined) return wrong(deps, `${act} needs a SESSION or an ID`);
    return await doAct(act, id, parsed.values, deps);
  } catch (error) {
    if (!(error instanceof BreakGlassError)) throw error;
    deps.err(`Nothing was done: ${visible(error.message)}\n`);
    return 1;
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        call: { type: 'string' },
        reason: { type: 'string' },
        minutes: { type: 'string', default: String(usualMinutes) },
        key: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch {
    return null; // Answered with the usage.
  }
}

type Values = NonNullable<ReturnType<typeof parse>>['values'];

function wrong(deps: BreakGlassCommandDeps, what: string): number {
  deps.err(`${what}\n${usage}`);
  return 2;
}

async function doAct(act: string, id: string, values: Values, deps: BreakGlassCommandDeps): Promise<number> {
  const { desk } = deps;
  const acting = async () => ({ identity: await deps.identity(), via: 'cli' }) as const;
  const tell = (request: BreakGlass): number => {
    deps.out(values.json ? `${JSON.stringify(jsonOf(request), null, 2)}\n` : lines(request));
    return 0;
  };
  switch (act) {
    case 'request': {
      if (values.reason === undefined) return wrong(deps, 'request needs --reason TEXT: it is recorded');
      const { call = null, reason } = values;
      const asked = { sessionId: id, callId: call, reason, minutes: Number(values.minutes) };
      return tell(await askBreakGlass(desk, await acting(), asked));
    }
    case 'approve':
      return tell(await answerBreakGlass(desk, await acting(), id, 'agree'));
    case 'refuse':
      return tell(await answerBreakGlass(desk, await acting(), id, 'refuse'));
    case 'revoke':
      return tell(await revokeBreakGlass(desk, await acting(), id));
    case 'show':
      return tell(await found(desk, id));
    case 'view':
      return view(deps, await acting(), id, values);
    default:
      return wrong(deps, `there is no "${act}"`);
  }
}

async function view(
  deps: BreakGlassCommandDeps,
  acting: Parameters<typeof beginViewing>[1],
  id: string,
  { key, json }: Values,
): Promise<number> {
  const privateKey = await deps.privateKey(key);
  const { sessionId, callId } = await beginViewing(deps.desk, acting, id);
  let opened = 0;
  let closed = 0;
  for await (const copy of openCopies(deps.desk, privateKey, sessionId, callId)) {
    deps.out(json ? `${JSON.stringify(copyJson(copy))}\n` : copyLines(copy));
    if (copy.bytes === null) closed += 1;
    else opened += 1;
  }
  if (opened + closed === 0)
    deps.err('no sealed copies are kept of it: masking took nothing out, or none were kept at the time\n');
  if (closed > 0) deps.err(`${closed} copies were sealed to another key than this one\n`);
  return closed > 0 ? 1 : 0;
}

async function list(deps: BreakGlassCommandDeps, json: boolean): Promise<number> {
  const requests = await listBreakGlass(deps.desk, 200);
  if (json) deps.out(`${JSON.stringify(requests.map(jsonOf), null, 2)}\n`);
  else deps.out(requests.length === 0 ? 'no requests\n' : requests.map(lines).join(''));
  return 0;
}

function lines(request: BreakGlass): string {
  const { requestId, person, sessionId, callId, reason, atMs } = request;
  const what = callId === null ? `session ${sessionId}` : `call ${callId} of session ${sessionId}`;
  return visible(
    `${requestId}  ${new Date(atMs).toISOString()}  ${person.name} asks for ${what}: ${reason} (${says(request)})`,
  ).concat('\n');
}

function jsonOf(request: BreakGlass): Record<string, unknown> {
  const { requestId, state, sessionId, callId, reason, minutes, person, answer, atMs, untilMs } = request;
  return {
    id: requestId,
    state,
    session: sessionId,
    call: callId,
    reason,
    minutes,
    askedBy: person.name,
    askedAt: new Date(atMs).toISOString(),
    answeredBy: answer?.person.name ?? null,
    answeredAt: answer === null ? null : new Date(answer.atMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
  };
}

function copyLines({ atMicros, direction, method, tool, callId, bytes }: OpenedCopy): string {
  const head = [timeOf(atMicros), direction, method, tool, callId && `call ${callId}`].filter(Boolean);
  const said = bytes === null ? '(sealed to another key)' : visible(bytes.toString('utf8'), true);
  return `${visible(head.join('  '))}\n    ${said.replaceAll('\n', '\n    ')}\n`;
}

function copyJson({ atMicros, bytes, ...rest }: OpenedCopy): Record<string, unknown> {
  return { at: timeOf(atMicros), ...rest, text: bytes?.toString('utf8') ?? null };
}
