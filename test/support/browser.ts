import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

/** Where Chromium is on this machine, or null. `HOLDPOINT_TEST_CHROMIUM` names another. */
export function chromiumPath(): string | null {
  const named = process.env['HOLDPOINT_TEST_CHROMIUM'];
  return named ?? places.find((path) => existsSync(path)) ?? null;
}

/** For `test(name, { skip })`: a reason where there is no Chromium, else false. */
export const noBrowser: string | false =
  chromiumPath() === null
    ? 'no Chromium found: install the package chromium, or set HOLDPOINT_TEST_CHROMIUM'
    : false;

/** A real browser without a window. */
export interface TestBrowser extends AsyncDisposable {
  /** A page with cookies of its own. */
  page(options?: BrowserContextOptions): Promise<Page>;
}

export async function testBrowser(): Promise<TestBrowser> {
  const executablePath = chromiumPath();
  if (executablePath === null) throw new Error(String(noBrowser));
  const browser: Browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    async page(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
      context.setDefaultTimeout(10_000);
      return context.newPage();
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** What axe finds wrong on a page, one line each: rule, help, and where. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the browser's debugger, which no content security policy of the page restrains.
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
    );
  });
}
