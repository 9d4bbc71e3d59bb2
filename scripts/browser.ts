import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** A real Chromium for end-to-end tests and screenshots: the system's, or the one that @sparticuz/chromium carries. */

/** The carried Chromium takes the machine's, where "C" is no language. */
export const LOCALE = 'en-US';
const SYSTEM_CHROMES = ['/usr/bin/google-chrome', '/usr/bin/chromium', '/usr/bin/chromium-browser'];
export type Theme = 'light' | 'dark';

let browser: Browser | null = null;

export async function openBrowser(): Promise<Browser> {
  if (browser !== null) return browser;
  const system = SYSTEM_CHROMES.find((file) => existsSync(file));
  if (system !== undefined) return (browser = await chromium.launch({ executablePath: system }));
  const { default: carried } = await import('@sparticuz/chromium');
  browser = await chromium.launch({
    executablePath: await carried.executablePath(),
    args: carried.args,
    headless: true,
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = null;
}

/** What is seen, in both themes, as <file>-<theme>.png; back to the theme that was. */
export async function screenshot(page: Page, file: string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const before = await page.evaluate('document.documentElement.dataset.theme');
  for (const theme of ['light', 'dark'] as const) {
    await setTheme(page, theme);
    await page.mouse.move(0, 0);
    await page.waitForTimeout(150);
    await page.screenshot({ path: `${file}-${theme}.png` });
  }
  await setTheme(page, before === 'dark' ? 'dark' : 'light');
}

export async function setTheme(page: Page, theme: Theme): Promise<void> {
  const button = page.getByRole('button', { name: theme === 'dark' ? 'Dark theme' : 'Light theme' });
  if ((await button.count()) > 0) await button.dispatchEvent('click');
}
