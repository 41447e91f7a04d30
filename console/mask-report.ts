import { randomBytes } from 'node:crypto';
import { advanceReport, endReport, startReport } from '../db/mask-reports.ts';
import type { MaskReportRecord, ReportProgress, ReportWanted } from '../db/mask-reports.ts';
import { type ApiCaller, ApiProblem } from './api/endpoint.ts';
import { whoLooks } from './api/recorded.ts';
import type { ActContext, ReadyReport, Recordings } from './deps.ts';
import type { Identity } from './identity.ts';

/** Reports under way at once, over all consoles and commands: each reads a day of recordings. */
const atOnce = 2;
const tellEveryMs = 500;
/** Signs of life, while one long message is masked as well as between them. */
const aliveEveryMs = 10_000;

/** Reports that this process is comparing. */
export interface RunningReports {
  /**
   * Records who asks for what, then begins. @returns the report's id
   * @throws ApiProblem `too_many` when too many are under way
   */
  start(
    recordings: Recordings,
    by: { readonly identity: Identity; readonly caller: Pick<ApiCaller, 'via'> },
    ready: ReadyReport,
    asked: ReportWanted & { readonly ownPolicy: boolean },
  ): Promise<string>;
  /** Ends one at once, where it is compared here; elsewhere it ends when its row has gone. */
  stop(id: string): void;
  /** Ends what is under way, and waits for it. */
  close(): Promise<void>;
}

export function createRunningReports({ pool, log }: Pick<ActContext, 'pool' | 'log'>): RunningReports {
  const running = new Map<string, { readonly ended: AbortController; readonly work: Promise<void> }>();

  const compare = async (
    id: string,
    ready: ReadyReport,
    wanted: ReportWanted,
    ended: AbortController,
  ): Promise<void> => {
    let progress: ReportProgress = { sessions: 0, messages: 0, unreadable: 0 };
    let told = 0;
    let telling = Promise.resolve();
    const advance = async (): Promise<void> => {
      if (!(await advanceReport(pool, id, progress))) ended.abort();
    };
    const tell = (): void => {
      told = Date.now();
      telling = telling
        .then(advance)
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
    async start({ recordAct }, { identity, caller }, ready, { ownPolicy, ...wanted }) {
      const id = `report_${randomBytes(12).toString('hex')}`;
      await recordAct('masking.report', {
        report: id,
        from: wanted.from.toISOString(),
        to: wanted.to.toISOString(),
        connection: wanted.connection,
        profile: wanted.profile,
        groups: wanted.groups?.join(' ') ?? null,
        policyVersion: ready.policyVersion,
        ...whoLooks(identity, caller),
      });
      const asked: MaskReportRecord['asked'] = { ...wanted, ownPolicy, policyVersion: ready.policyVersion };
      const askedBy = identity.person.keys[0] ?? '';
      if (!(await startReport(pool, { id, askedBy, asked }, atOnce)))
        throw new ApiProblem(
          'too_many',
          `at most ${atOnce} reports are compared at once; ask again when one of them is done`,
          { headers: { 'retry-after': '30' } },
        );
      const ended = new AbortController();
      const work = compare(id, ready, wanted, ended)
        .catch((error: unknown) =>
          log.error({ err: error, report: id }, 'the end of a masking report could not be stored'),
        )
        .finally(() => running.delete(id));
      running.set(id, { ended, work });
      return id;
    },
    stop(id) {
      running.get(id)?.ended.abort();
    },
    async close() {
      const left = [...running.values()];
      for (const { ended } of left) ended.abort();
      await Promise.all(left.map(({ work }) => work));
    },
  };
}
