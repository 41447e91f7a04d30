import type { Seen } from './cell.ts';
import { type Cell, steps, victims } from './steps.ts';

/** What the client, the approver and ops see in one cell of the walk. */
export interface Sight {
  /** `waits`: its one call brings the result. `again`: it is cut off or refused, calls again, and has the result. */
  readonly client: 'waits' | 'again' | 'is told: unknown' | 'has it';
  /** How many cards there were in all. */
  readonly cards: number;
  /** The requests that came to be, by how they ended. */
  readonly rows: readonly string[];
}

const usual: Sight = { client: 'waits', cards: 1, rows: ['succeeded'] };
const again: Sight = { ...usual, client: 'again' };
const givenUp: Sight = { client: 'again', cards: 1, rows: ['aborted', 'succeeded'] };
const unknown: Sight = { client: 'is told: unknown', cards: 1, rows: ['unknown'] };

/** Cells in which something else is seen than a client that waits, one card, and a request that succeeds. */
const others: Readonly<Record<string, Sight>> = {
  ...Object.fromEntries(['1g', '2g'].map((id) => [id, again])),
  ...Object.fromEntries(['3g', '4g'].map((id) => [id, givenUp])),
  ...Object.fromEntries(
    ['5g', '6g', '7g', '8g', '9g', '10g', '11g', '12g', '13g', '14g'].map((id) => [id, again]),
  ),
  ...Object.fromEntries(['15g', '16g', '17g', '18g', '19g'].map((id) => [id, unknown])),
  ...Object.fromEntries(['20g', '21g'].map((id) => [id, again])),
  ...Object.fromEntries(['22g', '23g'].map((id) => [id, { ...usual, client: 'has it' as const }])),
  ...Object.fromEntries(['1w', '2w', '3w', '4w', '1t', '2t', '3t', '4t'].map((id) => [id, givenUp])),
  ...Object.fromEntries(['1p', '2p', '5p', '20p', '21p'].map((id) => [id, again])),
  '3p': givenUp,
};

/** What must be seen in a cell. */
export function expected({ id }: Pick<Cell, 'id'>): Sight {
  return others[id] ?? usual;
}

/** What was seen, in the same words. */
export function sightOf({ told, cards, rows }: Seen, { client }: Sight): Sight {
  const last = told.at(-1);
  const said =
    last === 'answered OUTCOME_UNKNOWN'
      ? 'is told: unknown'
      : told.length > 1
        ? 'again'
        : // A client that had its result before anything was killed.
          client === 'has it'
          ? 'has it'
          : 'waits';
  // Tried more than once while nobody could be asked, it leaves one aborted request a try.
  const ends = rows
    .map(({ state }) => state)
    .filter((state, n, all) => state !== 'aborted' || all[n - 1] !== state);
  return { client: said, cards: cards.length, rows: ends };
}

const heads = {
  gateway: 'gateway',
  worker: 'worker',
  slack: 'Slack app',
  temporal: 'Temporal',
  postgres: 'PostgreSQL',
};

/** The table of docs/reliability.md. */
export function tableText(): string {
  const words = (id: string): string => {
    const { client, rows } = expected({ id });
    return `\`${id}\` ${client}; ${rows.join(', ')}`;
  };
  const lines = steps.map(
    ({ name, so }, index) =>
      `| ${index + 1} | **${name}**: ${so} | ${victims.map((victim) => words(`${index + 1}${victim[0]}`)).join(' | ')} |`,
  );
  return [
    `| | killed when | ${victims.map((victim) => heads[victim]).join(' | ')} |`,
    `|${'---|'.repeat(victims.length + 2)}`,
    ...lines,
    '',
  ].join('\n');
}

/** The page with the table as it has to be. */
export function withTable(page: string): string {
  const [start, end] = ['<!-- walk -->', '<!-- /walk -->'];
  const [head, rest] = page.split(`${start}\n`);
  const tail = rest?.slice(rest.indexOf(end));
  if (head === undefined || tail === undefined) throw new Error(`the page has no ${start} … ${end}`);
  return `${head}${start}\n\n${tableText()}\n${tail}`;
}
