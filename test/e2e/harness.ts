import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { closeBrowser, LOCALE, openBrowser, screenshot, setTheme } from '../../scripts/browser.ts';
import { buildRenderer } from '../../scripts/build-renderer.ts';
import { serve, type Server } from '../../src/main/hosts/serve/serve.ts';

/**
 * The workbench as a person meets it: `ptw serve` in this process, and a real Chromium. After every test there must have been no error
 * on the console, none uncaught, no request that the policy forbade and no file that was missing.
 */

export interface Opened {
  readonly page: Page;
  readonly server: Server;
  readonly context: BrowserContext;
  /** Goes to an address of the workbench, such as "/runs?…", and waits until the view is there. */
  readonly visit: (address: string) => Promise<void>;
  /** Writes what is seen to <PTW_SCREENSHOTS>/<name>-<theme>.png, in both themes, where that names a folder. */
  readonly screenshot: (name: string) => Promise<void>;
  /** What went wrong so far and was expected to; forgets it. */
  readonly takeProblems: () => string[];
}

/** Serves a folder's workbench for the tests of a file, and opens its page before the first of them. */
export function useWorkbench(folderOf: () => string | Promise<string>): () => Opened {
  let opened: Opened | null = null;
  let problems: string[] = [];
  beforeAll(async () => {
    await buildRenderer();
    const server = await serve({ folder: await folderOf(), port: 0 });
    const context = await (
      await openBrowser()
    ).newContext({ viewport: { width: 1360, height: 860 }, colorScheme: 'light', locale: LOCALE });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
    page.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
    });
    await page.goto(server.newLink());
    await page.getByRole('navigation', { name: 'Places' }).waitFor();
    const origin = `http://127.0.0.1:${server.port}`;
    opened = {
      page,
      server,
      context,
      async visit(address) {
        await page.goto(origin + address);
        await page.locator('main > *').first().waitFor();
      },
      async screenshot(name) {
        const folder = process.env['PTW_SCREENSHOTS'];
        if (folder !== undefined) await screenshot(page, path.join(folder, name));
      },
      takeProblems() {
        const taken = problems;
        problems = [];
        return taken;
      },
    };
  }, 180_000);
  afterEach(async () => {
    const found = problems;
    problems = [];
    expect(found).toEqual([]);
    // Views scroll within the frame: a document that is taller than its window would carry the top bar away with what is scrolled to.
    const beyond = 'document.scrollingElement.scrollHeight - document.scrollingElement.clientHeight';
    if (opened !== null) expect(await opened.page.evaluate(beyond)).toBe(0);
  });
  afterAll(async () => {
    await opened?.context.close();
    await opened?.server.close();
    await closeBrowser();
  }, 60_000);
  return () => {
    if (opened === null) throw new Error('internal: the workbench is opened before the first test');
    return opened;
  };
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Serious and critical findings of axe-core on what is seen, in both themes. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const problems: string[] = [];
  const before = await page.evaluate(() => document.documentElement.dataset['theme']);
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  for (const theme of ['light', 'dark'] as const) {
    await setTheme(page, theme);
    const violations = await page.evaluate<Violation[]>(
      'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }).then((result) => result.violations)',
    );
    for (const { id, impact, help, nodes } of violations) {
      if (impact !== 'serious' && impact !== 'critical') continue;
      problems.push(
        `${theme}: ${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
      );
    }
  }
  await setTheme(page, before === 'dark' ? 'dark' : 'light');
  return problems;
}
