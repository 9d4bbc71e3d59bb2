import { beforeAll, describe, expect, it } from 'vitest';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, tinyConfig } from '../workbench/tinyExperiment.ts';
import { accessibilityProblems, useWorkbench } from './harness.ts';

const folder = emptyFolder();
beforeAll(async () => {
  await startRun(folder, tinyConfig({ name: 'first', certification: { sigma: 0.25, draws: 60 } }), quietHost());
}, 120_000);
const workbench = useWorkbench(() => folder);

describe('a head search', () => {
  it('is set up from a run, refused at its field, and queued', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/runs/1');
    await page.getByRole('button', { name: 'Search heads…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Search heads' });
    await dialog.getByText('48 heads').waitFor();
    await dialog.getByText(/of training, without the scores/).waitFor();
    await screenshot('search-heads');
    expect(await accessibilityProblems(page)).toEqual([]);
    const weights = dialog.getByRole('textbox', { name: 'λ' });
    await weights.fill('');
    await weights.pressSequentially('1, x');
    await dialog.getByRole('alert').filter({ hasText: 'expected number' }).waitFor();
    expect(await weights.getAttribute('aria-invalid')).toBe('true');
    expect(await dialog.getByRole('button', { name: 'Queue the search' }).isDisabled()).toBe(true);
    await screenshot('search-heads-refused');
    await weights.fill('');
    await weights.pressSequentially('1, 20');
    expect(await weights.inputValue()).toBe('1, 20');
    await dialog.getByText('24 heads').waitFor();
    for (const name of ['wn', 'wn-l1']) await dialog.getByRole('checkbox', { name, exact: true }).uncheck();
    await dialog.getByText('8 heads').waitFor();
    await dialog.getByRole('textbox', { name: 'Kept draws' }).fill('2');
    await dialog.getByRole('textbox', { name: 'Images' }).fill('12');
    await dialog.getByRole('textbox', { name: 'Draws', exact: true }).fill('60');
    await dialog.getByText('8 heads').waitFor();
    await dialog.getByRole('button', { name: 'Queue the search' }).click();
    await page.waitForURL('**/queue');
    await page.getByRole('heading', { name: /head search on run 1/ }).waitFor();
    await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 120_000 });
  }, 240_000);

  it('shows its heads, the furthest certified first, sorted as asked', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/runs/2');
    const search = page.getByRole('region', { name: 'Head search' });
    await search.getByText('8 of 8 heads scored').waitFor();
    const rows = search.getByRole('table', { name: 'Heads' }).locator('tbody').getByRole('row');
    expect(await rows.count()).toBe(8);
    expect(await rows.first().innerText()).toContain('chosen');
    await screenshot('head-search');
    expect(await accessibilityProblems(page)).toEqual([]);
    const depth = search.getByRole('columnheader', { name: 'Depth' });
    await depth.getByRole('button').click();
    expect(await depth.getAttribute('aria-sort')).toBe('descending');
    await depth.getByRole('button').click();
    expect(await depth.getAttribute('aria-sort')).toBe('ascending');
    expect(await rows.first().innerText()).toContain('1-layer');
    await page.reload();
    expect(await depth.getAttribute('aria-sort')).toBe('ascending');
  });

  it('leads to the experiment with the chosen head alone', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/runs/2');
    const chosen = page.getByRole('rowheader').filter({ hasText: 'chosen' });
    const head = (await chosen.innerText()).replace(/\s*chosen$/, '');
    await page.getByRole('link', { name: 'Certify the chosen head' }).click();
    await page.waitForURL('**/experiments');
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe(`${head}, chosen`);
    await page.getByText('Heads (1)').waitFor();
    await page.getByText(/done by earlier runs/).waitFor();
    await screenshot('experiments-chosen');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL('**/queue');
    await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 120_000 });
    await visit('/runs/3');
    await page.getByRole('heading', { name: `${head}, chosen` }).waitFor();
    expect(await page.getByRole('region', { name: 'Head search' }).count()).toBe(0);
  }, 180_000);
});
