import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '../../src/main/store/store.ts';
import { note } from '../../src/main/workbench/launch/journal.ts';
import { takeIn } from '../../src/main/workbench/launch/launchInStore.ts';
import { logPath, recordAttempt, recordEnd } from '../../src/main/workbench/launch/records.ts';
import { emptyFolder } from '../workbench/tinyExperiment.ts';
import { written } from '../workbench/launch/tinyLaunch.ts';
import { tinyStudy, TINY_STUDY } from '../workbench/studies/tinyStudy.ts';
import { accessibilityProblems, useWorkbench } from './harness.ts';

/** A store with a launch whose first extractor was refused; everything else of its run waits for it, and the other run was cancelled. */
function folderWithLaunch(): string {
  const home = emptyFolder();
  const { launch, folder } = written(tinyStudy(), { shards: 2 }, undefined, join(home, 'launches'));
  const [failed] = launch.tasks;
  const at = '2026-01-01T00:00:00.000Z';
  note(folder, { event: 'sending', name: 'local-1', tasks: launch.tasks.map(({ id }) => id) });
  recordAttempt(folder, { task: failed.id, at, host: 'node7', pid: 1, startToken: 'gone', job: null });
  const reason = 'the images of /data/photos are not those of the launch';
  recordEnd(folder, failed.id, { attempt: 1, at, outcome: 'refused', reason, committed: 0 });
  writeFileSync(logPath(folder, failed.id), 'backend tensorflow\nwhat the task said last\n');
  note(folder, { event: 'cancelled', tasks: launch.tasks.filter(({ cell }) => cell === 1).map(({ id }) => id) });
  const store = openStore(home);
  takeIn(store, { launch, folder, place: { folder, launcher: 'local', ssh: null, command: 'ptw' } }, []);
  store.close();
  return home;
}

const workbench = useWorkbench(folderWithLaunch);

it('a study that was sent says how its tasks stand, why they failed, and what they logged', async () => {
  const { page, visit, screenshot } = workbench();
  await visit('/studies/1');
  const panel = page.getByRole('region', { name: /^Launch / });
  await panel.getByText('the images of /data/photos are not those of the launch').first().waitFor();
  expect(await panel.getByRole('row', { name: /0000-extractor failed/ }).count()).toBe(1);
  expect(await panel.getByRole('row', { name: /blocked/ }).count()).toBeGreaterThan(2);
  await panel.getByRole('combobox').selectOption('cancelled');
  expect(await panel.getByRole('row', { name: /cancelled/ }).count()).toBeGreaterThan(2);
  await panel.getByRole('combobox').selectOption('failed');
  expect(await accessibilityProblems(page)).toEqual([]);
  await screenshot('launch');
  for (const name of ['Resume failed', 'Restart failed', 'Resume unfinished']) {
    expect(await panel.getByRole('button', { name }).count()).toBe(1);
  }
  await panel.getByRole('button', { name: 'Log of 0000-extractor' }).click();
  await page.getByText('what the task said last').waitFor();
});

it('before a study is sent its scripts are shown, and what is wrong with the settings is said', async () => {
  const { page, visit } = workbench();
  await visit('/studies');
  await page
    .getByRole('textbox', { name: 'The study as JSON' })
    .fill(JSON.stringify({ ...TINY_STUDY, name: 'another' }));
  await page.getByRole('button', { name: 'Plan' }).click();
  await page.getByRole('button', { name: 'Send …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'partition' }).fill('two words');
  await dialog.getByRole('button', { name: 'Show what is sent' }).click();
  await dialog.getByText(/partition: expected text without spaces/).waitFor();
  expect(await dialog.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true);
  await dialog.getByRole('textbox', { name: 'partition' }).fill('gpu');
  await dialog.getByRole('button', { name: 'Show what is sent' }).click();
  await dialog.getByText('#SBATCH --partition=gpu').first().waitFor();
  expect(await dialog.getByRole('button', { name: 'Send', exact: true }).isEnabled()).toBe(true);
  expect(await accessibilityProblems(page)).toEqual([]);
});
