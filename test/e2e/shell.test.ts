import { describe, expect, it, vi } from 'vitest';
import { emptyFolder } from '../workbench/tinyExperiment.ts';
import { accessibilityProblems, useWorkbench } from './harness.ts';

const workbench = useWorkbench(() => emptyFolder());

describe('the workbench', () => {
  it('opens at the runs, with no token left in the address', () => {
    const { page } = workbench();
    expect(new URL(page.url())).toMatchObject({ pathname: '/runs', search: '' });
  });

  it('goes everywhere by keys alone', async () => {
    const { page } = workbench();
    for (const [keys, path] of [
      ['ge', '/experiments'],
      ['gq', '/queue'],
      ['gs', '/studies'],
      ['gd', '/data'],
      ['gn', '/engine'],
      ['gc', '/compare'],
      ['gr', '/runs'],
    ] as const) {
      // On a busy machine two keys may come too far apart to belong together; a person presses them again.
      await vi.waitFor(
        async () => {
          for (const key of keys) await page.keyboard.press(key);
          await page.waitForURL(`**${path}`, { timeout: 3000 });
        },
        { timeout: 30_000 },
      );
    }
  });

  it('has a palette that finds views and runs, and gives the focus back', async () => {
    const { page, visit, takeProblems } = workbench();
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'What to do' });
    await field.fill('data');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/data');
    await page.keyboard.press('Control+k');
    await field.fill('12');
    expect(await page.getByRole('option').first().innerText()).toContain('Run 12');
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
    await visit('/runs');
    takeProblems();
  });

  it('lists its keys, and those of no field are typed away', async () => {
    const { page } = workbench();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    expect(await page.getByRole('dialog').innerText()).toContain('Command palette');
    await page.keyboard.press('Escape');
  });

  it('keeps its theme over a reload', async () => {
    const { page } = workbench();
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    expect(await theme()).toBe('light');
    await page.keyboard.press('t');
    expect(await theme()).toBe('dark');
    await page.reload();
    await page.getByRole('navigation', { name: 'Places' }).waitFor();
    expect(await theme()).toBe('dark');
    await page.keyboard.press('t');
  });

  it('says so where there is nothing', async () => {
    const { page, visit } = workbench();
    await visit('/nothing/here');
    expect(await page.locator('main').innerText()).toContain('There is nothing at this address');
  });

  it('has no serious accessibility problem', async () => {
    expect(await accessibilityProblems(workbench().page)).toEqual([]);
  });
});
