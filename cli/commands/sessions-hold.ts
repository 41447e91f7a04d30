import { parseArgs } from 'node:util';
import { addLegalHold, legalHolds, releaseLegalHold, setLegalHold } from '../../db/legal-holds.ts';
import { visible } from '../../recording/transcript.ts';
import { UsageError } from './sessions-filter.ts';
import type { PurgeDeps } from './sessions-purge.ts';

type HoldDeps = Pick<PurgeDeps, 'pool' | 'out' | 'err' | 'recordAct' | 'person'>;

/**
 * `holdpoint sessions hold` and `release`: of one session, or of all of a person's or a connection's, those to come
 * included. What is held is not purged, by whatever rule or hand.
 */
export async function legalHold(
  command: 'hold' | 'release',
  argv: string[],
  deps: HoldDeps,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      subject: { type: 'string' },
      connection: { type: 'string' },
      number: { type: 'string' },
      reason: { type: 'string' },
    },
  });
  const { subject = null, connection = null, number, reason } = values;
  const standing = command === 'hold' ? subject !== null || connection !== null : number !== undefined;
  if (positionals.length > 1 || standing === (positionals.length === 1))
    throw new UsageError(
      command === 'hold'
        ? 'hold takes one session, or --subject and/or --connection for all of theirs'
        : 'release takes one session, or --number N of a standing hold (see holdpoint sessions holds)',
    );
  if (!reason) throw new UsageError(`${command} needs --reason TEXT`);
  const [sessionId] = positionals;
  if (sessionId !== undefined) return holdSession(command, sessionId, reason, deps);
  if (command === 'hold') {
    await deps.recordAct('sessions.hold', { subject, connection, reason });
    const made = await addLegalHold(deps.pool, { subject, connection, reason, madeBy: deps.person });
    deps.out(`legal hold ${made} is in force\n`);
    return 0;
  }
  const holdNo = Number(number);
  if (!Number.isInteger(holdNo) || holdNo < 1) throw new UsageError('--number must be the number of a hold');
  await deps.recordAct('sessions.release', { number: holdNo, reason });
  if (await releaseLegalHold(deps.pool, holdNo, deps.person)) return 0;
  deps.err(`no legal hold ${holdNo} is in force\n`);
  return 1;
}

async function holdSession(
  command: 'hold' | 'release',
  sessionId: string,
  reason: string,
  deps: HoldDeps,
): Promise<number> {
  await deps.recordAct(`sessions.${command}`, { session: sessionId, reason });
  if (await setLegalHold(deps.pool, sessionId, command === 'hold' ? reason : null)) return 0;
  deps.err(`there is no session ${visible(sessionId)} that was not purged\n`);
  return 1;
}

/** `holdpoint sessions holds`: everything that is held. */
export async function listHolds(argv: string[], deps: Pick<HoldDeps, 'pool' | 'out'>): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { json: { type: 'boolean' } } });
  const held = await legalHolds(deps.pool);
  if (values.json) {
    deps.out(`${JSON.stringify(held, null, 2)}\n`);
    return 0;
  }
  for (const { holdNo, subject, connection, reason, madeBy, madeAt } of held.standing) {
    const whose = [
      subject !== null && `subject ${subject}`,
      connection !== null && `connection ${connection}`,
    ];
    deps.out(
      `${holdNo}  all sessions of ${visible(whose.filter(Boolean).join(' on '))}  ${visible(reason)}  ${visible(madeBy)} ${madeAt.toISOString()}\n`,
    );
  }
  for (const { sessionId, subject, reason } of held.sessions)
    deps.out(`session ${visible(sessionId)}  ${visible(subject)}  ${visible(reason)}\n`);
  if (held.standing.length + held.sessions.length === 0) deps.out('nothing is under legal hold\n');
  return 0;
}
