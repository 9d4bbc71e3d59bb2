// `npm run screenshots`: every view, in both themes, with the results in PTW_HOME (or a folder given), into docs/screenshots.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../src/main/hosts/serve/serve.ts';
import { workbenchFolder } from '../src/main/workbench/storeOfFolder.ts';
import { closeBrowser, LOCALE, openBrowser, screenshot } from './browser.ts';
import { buildRenderer } from './build-renderer.ts';

const OUT = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const folder = process.argv.at(2) ?? workbenchFolder();

await buildRenderer();
const server = await serve({ folder, port: 0 });
const browser = await openBrowser();
const context = await browser.newContext({
  viewport: { width: 1360, height: 860 },
  locale: LOCALE,
  colorScheme: 'light',
});
const page = await context.newPage();
const origin = `http://127.0.0.1:${server.port}`;
await page.goto(server.newLink());

/** A view, once what it asks for has come. */
async function shoot(
  name: string,
  address: string,
  isThere: string,
  prepare: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await page.goto(origin + address);
  await page.getByText(isThere).first().waitFor({ timeout: 60_000 });
  await page.waitForTimeout(700);
  await prepare();
  await screenshot(page, path.join(OUT, name));
  console.log(name);
}

/** Brings the section under a heading to the top. */
const scrollTo = (heading: string): Promise<unknown> =>
  page.evaluate(
    `[...document.querySelectorAll('h2')].find(({ textContent }) => textContent === ${JSON.stringify(heading)}).scrollIntoView()`,
  );

async function ask(call: string, input: unknown): Promise<unknown> {
  const reply = await server.workbench.answer({ id: 1, call, input });
  if (!reply.ok) throw new Error(`${call}: ${reply.error.message}`);
  return reply.output;
}

/** Two seeds and two procedures in a minute: what a study looks like, and no result. */
const SMALL_STUDY = {
  name: 'two procedures, two seeds',
  scale: 'tiny: some hundred images and few epochs, no result',
  base: {
    source: { trainingInstances: 600 },
    target: { trainingInstances: 600 },
    extractor: { preset: 'wrn-10-1' },
    training: { source: { learningRate: 1e-3, maxEpochs: 6 }, heads: { learningRate: 3e-3, maxEpochs: 6 } },
    instances: 20,
    certification: { draws: 100, selectionDraws: 20 },
  },
  transfers: [{ source: { dataset: 'fashion-mnist' }, target: { dataset: 'mnist' } }],
  procedures: ['normal', 'noise'],
  heads: [
    { layers: 1, constraint: 'none' },
    { layers: 4, constraint: 'wn' },
  ],
  seeds: [1, 2],
};

/** Sixteen heads in some minutes. */
const SMALL_SEARCH = {
  grid: { constraints: ['none', 'wn'], weights: [1, 20], draws: 2 },
  search: { instances: 50, draws: 200, selectionDraws: 50 },
};

const listed = await ask('certificates.list', {
  ...{ run: 1, domain: 'target', head: '4-layer wn', by: 'representation', rule: 'paper' },
  ...{ outcome: 'falsified', offset: 0, limit: 1 },
});
const [falsified] = (listed as { rows: { index: number }[] }).rows;

await shoot('runs', '/runs', 'demo');
await shoot('run', '/runs/1', 'Results');
await scrollTo('Certified accuracy against radius');
await screenshot(page, path.join(OUT, 'curves'));
await shoot(
  'certificates',
  '/runs/1/certificates?by=pairwise&head=4-layer+wn&sort=radius&descending=1',
  'certified, correct',
);
const certificate = `/runs/1/certificates/target/${falsified.index}?by=pairwise&head=4-layer+wn`;
await shoot('certificate', certificate, 'half of it in');
await scrollTo('Representation: box and margins');
await page.waitForTimeout(300);
await screenshot(page, path.join(OUT, 'representation'));
await page.getByRole('button', { name: 'Verify from the evidence' }).click();
await page.getByText('yes', { exact: true }).first().waitFor();
await scrollTo('Verify');
await screenshot(page, path.join(OUT, 'verify'));
await shoot('experiments', '/experiments?from=preset:demo', 'Time, at most');
await shoot('compare', '/compare?runs=1,2', 'What differs');
await shoot('studies', '/studies', 'Begin a study');
await shoot('data', '/data?preview=fashion-mnist', 'Evaluated');
await shoot('engine', '/engine', 'TensorFlow.js', async () => {
  // Whose machine it was is nobody's business.
  await page.evaluate(
    "for (const code of document.querySelectorAll('code')) if (code.textContent.includes('/')) code.textContent = '~/…/' + code.textContent.split('/').at(-1)",
  );
});

await ask('queue.addStudy', { study: SMALL_STUDY });
await shoot('queue', '/queue', 'epoch 3, training loss');
await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 300_000 });
await shoot('study', '/studies/1', 'Smoothing certificates');

const { config } = (await ask('heads.plan', { run: 1, options: SMALL_SEARCH })) as { config: unknown };
await ask('queue.add', { config });
await shoot('search-heads', '/runs/1', 'Results', async () => {
  await page.getByRole('button', { name: 'Search heads…' }).click();
  await page.getByText(/of training, without the scores/).waitFor();
});
await page.goto(`${origin}/queue`);
await page.getByRole('heading', { name: 'Nothing is under way' }).waitFor({ timeout: 600_000 });
await page.goto(`${origin}/runs`);
await page.getByRole('link', { name: /head search on run 1/ }).click();
await page.getByText('heads scored').waitFor();
await scrollTo('Head search');
await page.waitForTimeout(300);
await screenshot(page, path.join(OUT, 'head-search'));

await context.close();
await closeBrowser();
await server.close();
