import { randomBytes } from 'node:crypto';
import { advanceReport, endReport, startReport } from '../db/mask-reports.ts';
import type { MaskReportRecord, ReportProgress, ReportWanted } from '../db/mask-reports.ts';
import { whoLooks } from './api/recorded.ts';
import type { ConsoleContext, ReadyReport, Recordings } from './deps.ts';
import { PageError } from './errors.ts';
import type { Identity } from './identity.ts';

/** Reports under way at once, over all consoles: each reads a day of recordings. */
const atOnce = 2;
const tellEveryMs = 500;
/** Signs of life, while one long message is masked as well as between them. */
const aliveEveryMs = 10_000;

/** Reports that this console is comparing. */
export interface RunningReports {
  /**
   * Records who asks for what, then begins. @returns the report's id
   * @throws PageError when too many are under way
   */
  start(
    recordings: Recordings,
    identity: Identity,
    ready: ReadyReport,
    asked: ReportWanted & { readonly ownPolicy: boolean },
  ): Promise<string>;
  /** Ends what is under way, and waits for it. */
  close(): Promise<void>;
}

/** The key that reports of a person are kept under. */
export const reportOwner = (identity: Identity): string => identity.person.keys[0] ?? '';

export function createRunningReports({ pool, log }: Pick<ConsoleContext, 'pool' | 'log'>): RunningReports {
  const ended = new AbortController();
  const running = new Set<Promise<void>>();

  const compare = async (id: string, ready: ReadyReport, wanted: ReportWanted): Promise<void> => {
    let progress: ReportProgress = { sessions: 0, messages: 0, unreadable: 0 };
    let told = 0;
    let telling = Promise.resolve();
    const tell = (): void => {
      told = Date.now();
      telling = telling
        .then(() => advanceReport(pool, id, progress))
        .catch((error: unknown) =>
          log.warn({ err: error, report: id }, 'how far a report is could not be said'),
        );
    };
    const alive = setInterval(tell, aliveEveryMs);
    try {
      const outcome = await ready.run(wanted, {
        signal: ended.signal,
        onProgress: (next) => {
          progress = { ...next };
          if (Date.now() - told >= tellEveryMs) tell();
        },
      });
      await telling;
      await endReport(pool, id, outcome);
    } catch (error) {
      if (!ended.signal.aborted) log.error({ err: error, report: id }, 'a masking report failed');
      await telling;
      await endReport(pool, id, null);
    } finally {
      clearInterval(alive);
    }
  };

  return {
    async start({ recordAct }, identity, ready, { ownPolicy, ...wanted }) {
      const id = `report_${randomBytes(12).toString('hex')}`;
      await recordAct('masking.report', {
        report: id,
        from: wanted.from.toISOString(),
        to: wanted.to.toISOString(),
        connection: wanted.connection,
        profile: wanted.profile,
        groups: wanted.groups?.join(' ') ?? null,
        policyVersion: ready.policyVersion,
        ...whoLooks(identity, { via: 'console' }),
      });
      const asked: MaskReportRecord['asked'] = { ...wanted, ownPolicy, policyVersion: ready.policyVersion };
      if (!(await startReport(pool, { id, askedBy: reportOwner(identity), asked }, atOnce)))
        throw new PageError(
          429,
          'Other reports are under way',
          `At most ${atOnce} reports are compared at once.`,
          'Ask again when one of them is done.',
        );
      const work = compare(id, ready, wanted).catch((error: unknown) =>
        log.error({ err: error, report: id }, 'the end of a masking report could not be stored'),
      );
      running.add(work);
      void work.finally(() => running.delete(work));
      return id;
    },
    async close() {
      ended.abort();
      await Promise.all(running);
    },
  };
}
