import type { Pool } from './pool.ts';

/** Takes the turn to post at a place. @returns false when somebody did within `everyMs` */
export async function takePostingTurn(pool: Pool, place: string, everyMs: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into checkpoint_posts (place, posted_at) values ($1, now())
     on conflict (place) do update set posted_at = now()
       where checkpoint_posts.posted_at <= now() - make_interval(secs => $2::float8 / 1000)`,
    [place, everyMs],
  );
  return rowCount === 1;
}

/** Gives a turn back that came to nothing. */
export async function givePostingTurnBack(pool: Pool, place: string): Promise<void> {
  await pool.query('delete from checkpoint_posts where place = $1', [place]);
}
