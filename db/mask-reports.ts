import type { ReportRow } from '../masking/report.ts';
import type { Queryable } from './pool.ts';

/** Which recorded traffic is compared with a policy. */
export interface ReportWanted {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
  readonly connection: string | null;
  /** One profile for everything; null for those that the policy gives by rule and place. */
  readonly profile: string | null;
  /** The groups that callers are taken to be in, since recordings do not tell; null when none were named. */
  readonly groups: readonly string[] | null;
}

/** How far a comparison has come. */
export interface ReportProgress {
  readonly sessions: number;
  readonly messages: number;
  /** Sessions whose key was destroyed, or records that could not be opened. */
  readonly unreadable: number;
}

/** What came of it. */
export interface ReportOutcome extends ReportProgress {
  /** Messages whose profile depends on the caller's groups, when none were named. */
  readonly byGroup: number;
  readonly rows: readonly ReportRow[];
}

/** A report that somebody asked for. */
export interface MaskReportRecord {
  readonly id: string;
  /** The person's first key. */
  readonly askedBy: string;
  readonly asked: ReportWanted & { readonly policyVersion: string; readonly ownPolicy: boolean };
  readonly startedAt: Date;
  readonly progress: ReportProgress;
  /** `lost` when the console that compared has gone. */
  readonly state: 'running' | 'done' | 'failed' | 'lost';
  readonly outcome: ReportOutcome | null;
}

/** After so long without a sign the console that compares is taken for gone. */
const lostAfter = '60 seconds';
const keptFor = '7 days';

/**
 * Enters a report that is about to begin, unless too many are under way; old ones go.
 * @returns whether it was entered
 */
export async function startReport(
  db: Queryable,
  report: Pick<MaskReportRecord, 'id' | 'askedBy' | 'asked'>,
  atOnce: number,
): Promise<boolean> {
  await db.query(`delete from mask_reports where started_at < clock_timestamp() - interval '${keptFor}'`);
  const { rowCount } = await db.query(
    `insert into mask_reports (id, asked_by, asked, progress)
     select $1, $2, $3, '{"sessions":0,"messages":0,"unreadable":0}'
     where (select count(*) from mask_reports
            where ended_at is null and updated_at > clock_timestamp() - interval '${lostAfter}') < $4`,
    [report.id, report.askedBy, JSON.stringify(report.asked), atOnce],
  );
  return rowCount === 1;
}

/**
 * Says how far it is, which is also a sign of life.
 * @returns false when nobody wants it any more
 */
export async function advanceReport(db: Queryable, id: string, progress: ReportProgress): Promise<boolean> {
  const { rowCount } = await db.query(
    `update mask_reports set progress = $2, updated_at = clock_timestamp() where id = $1 and ended_at is null`,
    [id, JSON.stringify(progress)],
  );
  return rowCount === 1;
}

/** Ends it, with what came of it or null when it failed. */
export async function endReport(db: Queryable, id: string, outcome: ReportOutcome | null): Promise<void> {
  await db.query(
    `update mask_reports set outcome = $2, ended_at = clock_timestamp(), updated_at = clock_timestamp()
     where id = $1 and ended_at is null`,
    [id, outcome === null ? null : JSON.stringify(outcome)],
  );
}

interface Row {
  id: string;
  askedBy: string;
  asked: Omit<MaskReportRecord['asked'], 'from' | 'to'> & { from: string; to: string };
  startedAt: Date;
  progress: ReportProgress;
  state: MaskReportRecord['state'];
  outcome: ReportOutcome | null;
}

const columns = `id, asked_by as "askedBy", asked, started_at as "startedAt", progress, outcome,
  case when outcome is not null then 'done' when ended_at is not null then 'failed'
       when updated_at < clock_timestamp() - interval '${lostAfter}' then 'lost' else 'running' end as state`;

const recordOf = ({ asked, ...row }: Row): MaskReportRecord => ({
  ...row,
  asked: { ...asked, from: new Date(asked.from), to: new Date(asked.to) },
});

/** A report that was asked for under one of a person's keys, or null. */
export async function reportOf(
  db: Queryable,
  id: string,
  askedBy: readonly string[],
): Promise<MaskReportRecord | null> {
  const { rows } = await db.query<Row>(
    `select ${columns} from mask_reports where id = $1 and asked_by = any($2)`,
    [id, askedBy],
  );
  return rows[0] === undefined ? null : recordOf(rows[0]);
}

/** The person's reports of the last days, newest first, without what came of them. */
export async function reportsBy(
  db: Queryable,
  askedBy: readonly string[],
  limit: number,
): Promise<MaskReportRecord[]> {
  const { rows } = await db.query<Row>(
    `select ${columns.replace('outcome,', 'null as outcome,')} from mask_reports where asked_by = any($1)
     order by started_at desc limit $2`,
    [askedBy, limit],
  );
  return rows.map(recordOf);
}

/** Takes a report of the person's away; whoever still compares for it ends that. @returns whether there was one */
export async function deleteReport(db: Queryable, id: string, askedBy: readonly string[]): Promise<boolean> {
  const { rowCount } = await db.query(`delete from mask_reports where id = $1 and asked_by = any($2)`, [
    id,
    askedBy,
  ]);
  return rowCount === 1;
}
