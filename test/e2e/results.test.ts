import { beforeAll, describe, expect, it } from 'vitest';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, tinyConfig } from '../workbench/tinyExperiment.ts';
import { accessibilityProblems, useWorkbench } from './harness.ts';

const CERTIFICATION = { draws: 60, selectionDraws: 20, alpha: 0.05, sigma: 0.05 };
const folder = emptyFolder();
beforeAll(async () => {
  for (const [name, seed] of [
    ['first', 3],
    ['second', 4],
  ] as const) {
    await startRun(folder, tinyConfig({ name, seed, certification: CERTIFICATION }), quietHost());
  }
}, 120_000);
const workbench = useWorkbench(() => folder);

describe('runs', () => {
  it('are listed, found, sorted and kept so over a reload', async () => {
    const { page, visit } = workbench();
    await visit('/runs');
    await page.getByRole('link', { name: 'second' }).waitFor();
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await page.getByRole('searchbox', { name: 'Search names and notes' }).fill('first');
    await page.getByRole('link', { name: 'second' }).waitFor({ state: 'detached' });
    expect(page.url()).toContain('search=first');
    await page.reload();
    await page.getByRole('link', { name: 'first' }).waitFor();
    expect(await page.getByRole('link', { name: 'second' }).count()).toBe(0);
    expect(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('ascending');
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByRole('link', { name: 'second' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('have the columns that are chosen, and groups of a key', async () => {
    const { page, visit } = workbench();
    await visit('/runs');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'seed 2 values' }).check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('columnheader', { name: 'seed' }).waitFor();
    await page.getByLabel('Group by').selectOption('config:seed');
    await page.getByRole('button', { name: '4', exact: true }).click();
    await page.getByText('seed = 4').waitFor();
    expect(await page.getByRole('link', { name: 'first' }).count()).toBe(0);
  });

  it('are tagged, noted and found by it', async () => {
    const { page, visit } = workbench();
    await visit('/runs');
    await page.getByRole('checkbox', { name: 'Select run 1' }).check();
    await page.getByRole('button', { name: 'Tag', exact: true }).click();
    await page.getByRole('combobox', { name: 'Tag' }).fill('paper');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('button', { name: '#paper 1' }).click();
    await page.getByRole('link', { name: 'second' }).waitFor({ state: 'detached' });
    expect(page.url()).toContain('tags=');
  });
});

describe('a run', () => {
  it('shows its table, whose numbers open the instances behind them', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/runs/1');
    await page.getByRole('heading', { name: 'first' }).waitFor();
    const cell = page
      .getByRole('row', { name: /target 4-layer wn/ })
      .getByRole('link')
      .first();
    const shown = Number(await cell.innerText());
    await screenshot('run');
    expect(await accessibilityProblems(page)).toEqual([]);
    await cell.click();
    await page.waitForURL('**/runs/1/certificates?**');
    await page.getByRole('button', { name: /^all 10/ }).waitFor();
    const counted = /(\d+)/.exec(await page.getByRole('button', { name: /^correct/ }).innerText())?.[1];
    expect(Number(counted) * 10).toBe(shown);
  });

  it('gives its table as a file, as it is shown', async () => {
    const { page, visit } = workbench();
    await visit('/runs/1');
    await page.getByRole('button', { name: 'Export' }).first().click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'CSV', exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('run-1-table.csv');
  });
});

describe('certificates', () => {
  it('are a grid that arrow keys walk and Enter opens', async () => {
    const { page, visit } = workbench();
    await visit('/runs/1/certificates?by=label&head=1-layer+none');
    await page
      .getByRole('link', { name: /^Test image/ })
      .first()
      .waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/certificates/target/*');
    await page.getByRole('heading', { name: 'Verdicts' }).waitFor();
    const first = page.url();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((before) => location.href !== before, first);
    await page.reload();
    await page.getByRole('heading', { name: 'Verdicts' }).waitFor();
    expect(await page.getByText('3 of 10').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.waitForURL('**/certificates?**');
  });

  it('are a table too, filtered by outcome in the address', async () => {
    const { page, visit } = workbench();
    await visit('/runs/1/certificates?by=label&head=1-layer+none&show=table&outcome=abstained');
    await page.getByRole('table', { name: 'Instances' }).waitFor();
    const rows = await page.getByRole('cell', { name: 'abstained' }).count();
    const counted = await page.getByRole('button', { name: /^abstained/ }).innerText();
    expect(counted).toContain(String(rows));
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('open down to their evidence, and are proved again', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/runs/1/certificates?by=label&head=1-layer+none');
    await page
      .getByRole('link', { name: /^Test image/ })
      .first()
      .click();
    for (const heading of [
      'Verdicts',
      'Noisy draws',
      'Label and pairwise: votes',
      'Logit: bounds of the medians',
      'Representation: box and margins',
      'Found against it',
      'Verify',
    ]) {
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    }
    await page.getByText(/half of it in/).waitFor();
    await screenshot('certificate');
    // Each bar is as long as its count of draws.
    const bars = await page.evaluate<{ count: number; share: number }[]>(
      `[...document.querySelectorAll('.track > .share')].map((bar) => ({
        count: Number(bar.closest('.line').querySelector('.number').textContent),
        share: bar.getBoundingClientRect().width / bar.parentElement.clientWidth,
      }))`,
    );
    expect(bars.length).toBeGreaterThan(2);
    for (const { count, share } of bars) expect(share).toBeCloseTo(count / CERTIFICATION.draws, 2);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Draw again and show' }).click();
    const slider = page.getByRole('slider', { name: 'Radius' });
    await slider.waitFor({ timeout: 60_000 });
    await page.getByText('The boxes at the stored radii are the stored ones, bit for bit.').waitFor();
    await slider.focus();
    await page.keyboard.press('End');
    expect(await slider.getAttribute('aria-valuetext')).toContain('certified');
    await page.getByRole('button', { name: 'Verify from the evidence' }).click();
    await page.getByText('yes', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Draw again and compare' }).click();
    await page.getByText('identical, bit for bit').first().waitFor({ timeout: 60_000 });
  });
});

describe('deleting', () => {
  it('says what goes, and then does it', async () => {
    const { page, visit } = workbench();
    await visit('/runs/2');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/This removes .* certificates/).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL('**/runs');
    await page.getByRole('link', { name: 'first' }).waitFor();
    expect(await page.getByRole('link', { name: 'second' }).count()).toBe(0);
  });
});
