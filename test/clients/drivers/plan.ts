/** What a client program is told to do: JSON in its first argument. Times in milliseconds. */
export interface Plan {
  readonly url: string;
  /** Null lists the tools. */
  readonly call: { readonly tool: string; readonly args: Readonly<Record<string, unknown>> } | null;
  /** The client's own limit; null leaves its default. */
  readonly timeoutMs: number | null;
  /** Ask for progress. */
  readonly progress: boolean;
  /** Cancel the call after this long; null never. */
  readonly cancelAfterMs: number | null;
  /** How often the identical call may be made again after an error, or after an answer PENDING_APPROVAL. */
  readonly repeats: number;
}

/** What a client program prints, a line each. */
export type Happening =
  | { readonly event: 'progress' | 'log' | 'elicited' | 'sampled' }
  | { readonly event: 'tools'; readonly count: number }
  | { readonly event: 'answer'; readonly text: string; readonly isError: boolean }
  | { readonly event: 'error'; readonly message: string };

/** Makes the call again while it may help, as a model does that reads its answers. */
export async function persist(
  plan: Plan,
  call: () => Promise<{ text: string; isError: boolean }>,
): Promise<void> {
  for (let left = plan.repeats; ; left--) {
    let again: boolean;
    try {
      const { text, isError } = await call();
      say({ event: 'answer', text, isError });
      again = text.startsWith('PENDING_APPROVAL');
    } catch (error) {
      say({ event: 'error', message: error instanceof Error ? error.message : String(error) });
      again = true;
    }
    if (!again || left <= 0) return;
    await new Promise((done) => setTimeout(done, 1000));
  }
}

export function say(happening: Happening): void {
  process.stdout.write(`${JSON.stringify(happening)}\n`);
}

export function readPlan(): Plan {
  return JSON.parse(process.argv[2] ?? '') as Plan;
}

/** The text of a tool's result. */
export function textOf(result: unknown): { text: string; isError: boolean } {
  const { content = [], isError = false } = result as { content?: { text?: string }[]; isError?: boolean };
  return { text: content.map(({ text }) => text ?? '').join('\n'), isError };
}

/** What the person at the client answers, and what its model says. */
export const answers = {
  form: { action: 'accept', content: { username: 'ada', email: 'ada@example.org', name: 'ada' } },
  completion: {
    role: 'assistant',
    content: { type: 'text', text: 'a completion' },
    model: 'test-model',
    stopReason: 'endTurn',
  },
} as const;
