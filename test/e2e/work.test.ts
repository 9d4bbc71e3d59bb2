import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { emptyFolder, TINY } from '../workbench/tinyExperiment.ts';
import { accessibilityProblems, useWorkbench } from './harness.ts';

const workbench = useWorkbench(() => emptyFolder());

/** The engine among this process's children. */
function killEngine(): void {
  try {
    process.kill(enginePid(), 'SIGKILL');
  } catch {
    // None is under way, or it has ended by itself.
  }
}

function enginePid(): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const isEngine = readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('engine/process/main.ts');
      if (parent === process.pid && isEngine) return Number(entry);
    } catch {
      // Gone between two looks.
    }
  }
  throw new Error('no engine is under way');
}

const long = {
  ...TINY,
  name: 'long',
  training: { ...TINY.training, source: { ...TINY.training.source, maxEpochs: 100_000, patience: 100_000 } },
};

async function enterJson(config: unknown): Promise<void> {
  const { page, visit } = workbench();
  await visit('/experiments');
  await page.getByRole('textbox', { name: 'The experiment as JSON' }).fill(JSON.stringify(config, null, 2));
}

describe('from the form to a verified certificate', () => {
  it('a preset is changed by keyboard, refused at its field, mended, kept over a reload, and run', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/experiments');
    await page.getByRole('textbox', { name: 'The experiment as JSON' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await enterJson(TINY);
    const instances = page.getByRole('textbox', { name: 'Instances', exact: true }).first();
    await instances.fill('0');
    await page.getByRole('alert').filter({ hasText: '>0' }).first().waitFor();
    expect(await instances.getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true);
    await instances.fill('10');
    await page.getByRole('textbox', { name: 'Name' }).fill('from the form');
    expect(await page.getByRole('textbox', { name: 'The experiment as JSON' }).inputValue()).toContain(
      '"from the form"',
    );
    await page.reload();
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('from the form');
    await page.getByText('Time, at most').waitFor();
    await screenshot('experiments');
    await page.getByRole('textbox', { name: 'Name' }).focus();
    await page.keyboard.press('Control+Enter');
    await page.waitForURL('**/queue');
    await page.getByRole('heading', { name: /from the form/ }).waitFor();
    await page
      .getByRole('log')
      .getByText(/epoch 1, training loss/)
      .first()
      .waitFor({ timeout: 60_000 });
    await screenshot('queue');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 90_000 });
    await visit('/runs/1/certificates');
    await page
      .getByRole('link', { name: /^Test image/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Verify from the evidence' }).click();
    await page.getByText('yes', { exact: true }).first().waitFor();
  }, 240_000);

  it('JSON that is none is refused with its line, and the draft stays', async () => {
    const { page } = workbench();
    await enterJson(TINY);
    await page.getByRole('textbox', { name: 'The experiment as JSON' }).fill('{\n  "name": "x",\n  oops\n}');
    await page.getByRole('alert').filter({ hasText: 'line 3' }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('tiny');
  });
});

describe('a run', () => {
  it('is cancelled, and resumed', async () => {
    const { page, visit } = workbench();
    await enterJson(long);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL('**/queue');
    await page
      .getByRole('log')
      .getByText(/epoch 2, training loss/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 15_000 });
    await visit('/runs/2');
    await page.getByText('interrupted', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.waitForURL('**/queue');
    await page.getByRole('heading', { name: /Run 2/ }).waitFor({ timeout: 30_000 });
    await page
      .getByRole('log')
      .getByText(/Interrupted; what was done is kept/)
      .waitFor();
  }, 120_000);

  it('whose engine is killed goes on with another, and says over every view when that was too often', async () => {
    const { page, visit } = workbench();
    await visit('/queue');
    await page
      .getByRole('log')
      .getByText(/epoch \d+, training loss/)
      .first()
      .waitFor({ timeout: 60_000 });
    process.kill(enginePid(), 'SIGKILL');
    await page
      .getByRole('log')
      .getByText(/the engine was ended by SIGKILL .* it was started again/)
      .waitFor();
    await visit('/runs');
    const killing = setInterval(killEngine, 50);
    try {
      await page
        .getByText(/Run 2 stopped: the engine was ended by SIGKILL .* 3 times in a row/)
        .waitFor({ timeout: 60_000 });
    } finally {
      clearInterval(killing);
    }
    await page.getByRole('button', { name: 'Resume' }).click();
    await visit('/queue');
    await page.getByRole('heading', { name: /Run 2/ }).waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 15_000 });
  }, 120_000);

  it('waits its turn, is moved by keyboard or dragged, and taken out of the queue', async () => {
    const { page, visit } = workbench();
    await enterJson(long);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL('**/queue');
    for (const name of ['b', 'c']) {
      await enterJson({ ...TINY, name });
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.waitForURL('**/queue');
    }
    const waiting = page.getByRole('list', { name: 'Waiting' }).getByRole('listitem');
    await waiting.nth(1).waitFor();
    await page.getByRole('button', { name: 'Move c up' }).focus();
    await page.keyboard.press('Enter');
    await waiting.first().filter({ hasText: 'c' }).waitFor();
    await waiting.first().dragTo(waiting.nth(1));
    await waiting.first().filter({ hasText: 'b' }).waitFor();
    await waiting.nth(1).dragTo(waiting.first());
    await waiting.first().filter({ hasText: 'c' }).waitFor();
    await page.getByRole('button', { name: 'Pause after this' }).click();
    await page.getByText('The queue is paused; 2 entries wait.').waitFor();
    await page.getByRole('button', { name: 'Remove b from the queue' }).click();
    await page.getByRole('button', { name: 'Remove c from the queue' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached', timeout: 15_000 });
    await visit('/queue');
    await page.getByRole('button', { name: 'Go on' }).click();
  }, 120_000);
});

describe('the other places', () => {
  it('compare runs, with what differs', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/compare?runs=1,2');
    await page.getByRole('cell', { name: 'training.source.maxEpochs' }).waitFor();
    await screenshot('compare-tiny');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Take run 2 away' }).click();
    await page.getByRole('cell', { name: 'training.source.maxEpochs' }).waitFor({ state: 'detached' });
  });

  it('plan a study before it is run', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/studies');
    await page.getByRole('button', { name: /^mini/i }).first().click();
    await page.getByText(/runs with \d+ stages/).waitFor({ timeout: 60_000 });
    await screenshot('studies');
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('show data sets and their images', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/data');
    await page
      .getByRole('row', { name: /MNIST mnist/ })
      .getByRole('button', { name: 'Preview' })
      .click();
    await page.getByRole('img', { name: /Test images of mnist/ }).waitFor();
    await screenshot('data');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('row', { name: /SVHN/ }).getByRole('button', { name: 'Check' }).click();
    await page.getByRole('heading', { name: 'Files of svhn' }).waitFor();
  });

  it('say what the engine is', async () => {
    const { page, visit, screenshot } = workbench();
    await visit('/engine');
    await page.getByText('TensorFlow.js 4').waitFor({ timeout: 30_000 });
    await screenshot('engine');
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});
