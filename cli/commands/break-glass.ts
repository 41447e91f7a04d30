import { mostMinutes, usualMinutes } from '../../console/break-glass.ts';
import { visible } from '../../recording/transcript.ts';
import type { Answer, Item } from '../api/api.ts';
import {
  answering,
  argumentsOf,
  type CommandDeps,
  isUsage,
  oneOf,
  printJson,
  UsageError,
} from './answering.ts';

const usage = `Usage:
  holdpoint break-glass request SESSION [--call CALL] --reason TEXT [--minutes N] [--json]
  holdpoint break-glass approve ID
  holdpoint break-glass refuse  ID
  holdpoint break-glass revoke  ID
  holdpoint break-glass list    [--json]
  holdpoint break-glass show    ID [--json]
  holdpoint break-glass view    ID [--key FILE] [--json]

Opens what masking took out of a session, or of one call of it, for who asked, once somebody else has approved: for
${usualMinutes} minutes, or as many as were asked for (at most ${mostMinutes}). Every act and every view is recorded.
FILE holds the private key, and is used here, beside the database, never sent; left out, keys.breakGlass.privateKey is.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const options = {
  call: { type: 'string' },
  reason: { type: 'string' },
  minutes: { type: 'string', default: String(usualMinutes) },
  key: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof argumentsOf<typeof options>>['values'];
type Request = Answer<'showBreakGlass'>;

/** Runs `holdpoint break-glass …`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, options);
    const [act, ...words] = positionals;
    if (act === undefined) throw new UsageError('break-glass needs to know what to do');
    if (act === 'list' && words.length === 0) return list(deps, values.json);
    const id = oneOf(words, 'a SESSION or an ID');
    if (act === 'view') return view(deps, id, values.json);
    const request = await acted(deps, act, id, values);
    if (values.json) printJson(deps.out, request);
    else deps.out(lines(request));
    return 0;
  });
}

/** The file of a private key that somebody brings; null when they bring none, or the arguments are wrong. */
export function keyFileIn(argv: readonly string[]): string | null {
  try {
    return argumentsOf(argv, options).values.key ?? null;
  } catch (error) {
    if (isUsage(error)) return null; // Answered by the command.
    throw error;
  }
}

function acted({ api }: CommandDeps, act: string, id: string, values: Values): Promise<Request> {
  const params = { id };
  switch (act) {
    case 'request': {
      const { call, reason } = values;
      const minutes = Number(values.minutes);
      if (!reason?.trim()) throw new UsageError('request needs --reason TEXT: it is recorded');
      if (!Number.isInteger(minutes) || minutes < 1 || minutes > mostMinutes)
        throw new UsageError(`it opens for 1 to ${mostMinutes} minutes`);
      return api.call('askBreakGlass', {
        body: { session: id, reason, minutes, ...(call !== undefined && { call }) },
      });
    }
    case 'approve':
      return api.call('answerBreakGlass', { params, body: { answer: 'agree' } });
    case 'refuse':
      return api.call('answerBreakGlass', { params, body: { answer: 'refuse' } });
    case 'revoke':
      return api.call('revokeBreakGlass', { params });
    case 'show':
      return api.call('showBreakGlass', { params });
    default:
      throw new UsageError(`there is no break-glass ${act}`);
  }
}

async function view({ api, out, err }: CommandDeps, id: string, json: boolean): Promise<number> {
  let opened = 0;
  let closed = 0;
  for await (const copy of api.stream('viewBreakGlass', { params: { id } })) {
    out(json ? `${JSON.stringify(copy)}\n` : copyLines(copy));
    if (copy.text === null) closed += 1;
    else opened += 1;
  }
  if (opened + closed === 0)
    err('no sealed copies are kept of it: masking took nothing out, or none were kept at the time\n');
  if (closed > 0) err(`${closed} copies were sealed to another key than this one\n`);
  return closed > 0 ? 1 : 0;
}

async function list({ api, out }: CommandDeps, json: boolean): Promise<number> {
  const { requests } = await api.call('listBreakGlass');
  if (json) printJson(out, requests);
  else out(requests.length === 0 ? 'no requests\n' : requests.map(lines).join(''));
  return 0;
}

function lines({ id, askedBy, session, call, reason, askedAt, says }: Request): string {
  const what = call === null ? `session ${session}` : `call ${call} of session ${session}`;
  return visible(`${id}  ${askedAt}  ${askedBy} asks for ${what}: ${reason} (${says})`).concat('\n');
}

function copyLines({ at, direction, method, tool, callId, text }: Item<'viewBreakGlass'>): string {
  const head = [at, direction, method, tool, callId && `call ${callId}`].filter(Boolean);
  const said = text === null ? '(sealed to another key)' : visible(text, true);
  return `${visible(head.join('  '))}\n    ${said.replaceAll('\n', '\n    ')}\n`;
}
