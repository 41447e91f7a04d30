import type { TestEvent } from 'node:test/reporters';

/** A reporter for `node --test`: one line of JSON, what counted and which files have a test that failed. */
export interface Outcome {
  readonly tests: number;
  readonly passed: number;
  readonly failedFiles: readonly string[];
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failed = new Set<string>();
  const counts = { tests: 0, passed: 0 };
  for await (const event of events) {
    if (event.type === 'test:fail' && event.data.file) failed.add(event.data.file);
    if (event.type === 'test:summary' && event.data.file === undefined) {
      counts.tests = event.data.counts.tests;
      counts.passed = event.data.counts.passed;
    }
  }
  yield `${JSON.stringify({ ...counts, failedFiles: [...failed] } satisfies Outcome)}\n`;
}
