import { visible } from '../../recording/transcript.ts';
import { argumentsOf, type CommandDeps, printJson, UsageError } from './answering.ts';

/**
 * `holdpoint sessions hold` and `release`: of one session, or of all of a person's or a connection's, those to come
 * included. What is held is not purged, by whatever rule or hand.
 */
export async function legalHold(
  command: 'hold' | 'release',
  argv: readonly string[],
  { api, out }: CommandDeps,
): Promise<number> {
  const { values, positionals } = argumentsOf(argv, {
    subject: { type: 'string' },
    connection: { type: 'string' },
    number: { type: 'string' },
    reason: { type: 'string' },
  });
  const { subject, connection, number, reason } = values;
  const standing =
    command === 'hold' ? subject !== undefined || connection !== undefined : number !== undefined;
  const [session, ...more] = positionals;
  if (more.length > 0 || standing === (session !== undefined))
    throw new UsageError(
      command === 'hold'
        ? 'hold takes one session, or --subject and/or --connection for all of theirs'
        : 'release takes one session, or --number N of a standing hold (see holdpoint sessions holds)',
    );
  if (!reason?.trim()) throw new UsageError(`${command} needs --reason TEXT`);
  const about = { reason, ...(session !== undefined && { session }) };
  if (command === 'hold') {
    const whose = {
      ...(subject !== undefined && { subject }),
      ...(connection !== undefined && { connection }),
    };
    const made = await api.call('holdSessions', { body: { ...about, ...whose } });
    if (made.number !== null) out(`legal hold ${made.number} is in force\n`);
    return 0;
  }
  const holdNo = number === undefined ? undefined : Number(number);
  if (holdNo !== undefined && (!Number.isInteger(holdNo) || holdNo < 1))
    throw new UsageError('--number must be the number of a hold');
  await api.call('releaseSessions', { body: { ...about, ...(holdNo !== undefined && { number: holdNo }) } });
  return 0;
}

/** `holdpoint sessions holds`: everything that is held. */
export async function listHolds(argv: readonly string[], { api, out }: CommandDeps): Promise<number> {
  const { values } = argumentsOf(argv, { json: { type: 'boolean', default: false } });
  const held = await api.call('listLegalHolds');
  if (values.json) {
    printJson(out, held);
    return 0;
  }
  for (const { number, subject, connection, reason, madeBy, madeAt } of held.standing) {
    const whose = [
      subject !== null && `subject ${subject}`,
      connection !== null && `connection ${connection}`,
    ];
    out(
      `${number}  all sessions of ${visible(whose.filter(Boolean).join(' on '))}  ${visible(reason)}  ${visible(madeBy)} ${madeAt}\n`,
    );
  }
  for (const { sessionId, subject, reason } of held.sessions)
    out(`session ${visible(sessionId)}  ${visible(subject)}  ${visible(reason)}\n`);
  if (held.standing.length + held.sessions.length === 0) out('nothing is under legal hold\n');
  return 0;
}
