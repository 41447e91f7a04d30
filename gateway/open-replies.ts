import type { Caller } from '../policy/caller.ts';
import { GatewayError } from './errors.ts';
import type { AgentSettings } from './settings.ts';

/** The replies and GET streams that are open on this replica; one caller cannot keep everybody else out. */
export interface OpenReplies {
  /**
   * A reply to a caller begins.
   * @returns says that it is over; to be called once
   * @throws GatewayError `too_many_streams`, having done nothing
   */
  begin(caller: Caller): () => void;
}

/** @param limits `streamsPerCaller`: how many one caller may have open at a time */
export function createOpenReplies({
  streamsPerCaller,
}: Pick<AgentSettings['limits'], 'streamsPerCaller'>): OpenReplies {
  const open = new Map<string, number>();
  return {
    begin({ key }) {
      const had = open.get(key) ?? 0;
      if (had >= streamsPerCaller)
        throw new GatewayError(
          'too_many_streams',
          `you already have ${streamsPerCaller} open replies here, as many as one caller may have; end some, or try again later`,
        );
      open.set(key, had + 1);
      return () => {
        const left = (open.get(key) ?? 1) - 1;
        if (left > 0) open.set(key, left);
        else open.delete(key);
      };
    },
  };
}
