import { administration } from './administration.ts';
import { approvalLooks } from './approvals.ts';
import { breakGlass, viewBreakGlass } from './break-glass.ts';
import { connections } from './connections.ts';
import { containment } from './containment.ts';
import { deciding } from './deciding.ts';
import { definitions } from './definitions.ts';
import type { Download, Endpoint, Streaming } from './endpoint.ts';
import { evidence } from './evidence.ts';
import { killSwitch } from './kill-switch.ts';
import { masking } from './masking.ts';
import { grants, outcomes } from './outcomes.ts';
import { packages } from './packages.ts';
import { recordings } from './recordings.ts';
import { recordingStreams } from './recordings-streamed.ts';
import { tokens } from './tokens.ts';

/** Every operation there is: what the console's pages do, what the commands do, and what the API offers. */
export const operations = {
  ...approvalLooks,
  ...deciding,
  ...outcomes,
  ...grants,
  ...definitions,
  ...killSwitch,
  ...containment,
  ...recordings,
  ...evidence,
  ...breakGlass,
  ...tokens,
  ...connections,
  ...masking,
  ...administration,
};

/** Every operation that answers with one thing after the other. */
export const streams = { ...recordingStreams, viewBreakGlass };

/** Every operation that answers with a file. */
export const downloads = packages;

export const endpoints: readonly Endpoint[] = Object.values(operations);
export const streamings: readonly Streaming[] = Object.values(streams);
export const files: readonly Download[] = Object.values(downloads);
