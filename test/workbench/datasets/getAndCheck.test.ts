import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DistributionFile } from '../../../src/main/data/distributions.ts';
import { DownloadError } from '../../../src/main/data/download/downloadError.ts';
import { checkDatasets, hasMissing, hasWrong } from '../../../src/main/workbench/datasets/checkDatasets.ts';
import { datasetsNamed } from '../../../src/main/workbench/datasets/datasetNames.ts';
import { getDatasets } from '../../../src/main/workbench/datasets/getDatasets.ts';
import { BadInput } from '../../../src/main/workbench/errors.ts';
import { DATASET_NAMES, type DatasetName } from '../../../src/shared/config.ts';
import {
  contentOf,
  deadAddress,
  distribution,
  serve,
  startServer,
  status,
  type MischievousServer,
} from '../../data/download/mischievousServer.ts';

let server: MischievousServer;
let folder: string;
let said: string[];
let files: Record<DatasetName, readonly DistributionFile[]>;

beforeEach(async () => {
  server = await startServer();
  folder = mkdtempSync(path.join(tmpdir(), 'ptw-get-'));
  said = [];
  const content = contentOf(1000);
  const served = (name: DatasetName): [DatasetName, DistributionFile[]] => [
    name,
    [distribution(content, [server.does(`/${name}`, serve(content))])],
  ];
  files = Object.fromEntries(DATASET_NAMES.map(served)) as unknown as typeof files;
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({ PTW_DATA_DIR: folder });

function get(names: readonly DatasetName[]): ReturnType<typeof getDatasets> {
  const reporter = {
    beganSet: ({ title, licence }: { title: string; licence: string }) => said.push(`${title}: ${licence}`),
    began: () => undefined,
    progress: () => undefined,
    notice: (text: string) => said.push(text),
    ended: () => undefined,
  };
  return getDatasets(names, { reporter, signal: new AbortController().signal, environment: environment() }, files);
}

it('refuses a word that names no set', () => {
  expect(() => datasetsNamed(['mnist', 'cifar'])).toThrow(BadInput);
  expect(() => datasetsNamed(['cifar'])).toThrow(/"cifar" is no data set; expected one of fashion-mnist, mnist/);
});

it('takes all for every set, and each once', () => {
  expect(datasetsNamed(['all'])).toEqual(DATASET_NAMES);
  expect(datasetsNamed(['mnist', 'svhn', 'mnist'])).toEqual(['mnist', 'svhn']);
});

it('gets sets to where full sets are looked for, saying their licence', async () => {
  const got = await get(['svhn', 'cifar10']);
  expect(got.map(({ folder: to }) => to)).toEqual([path.join(folder, 'svhn'), path.join(folder, 'cifar10')]);
  expect(readdirSync(path.join(folder, 'svhn'))).toEqual(['file.bin']);
  expect(said).toContain('SVHN (cropped digits): for non-commercial use');
});

it('goes on with the next set where one is not to be had, and fails at the end with what is the matter', async () => {
  files.svhn = [distribution(contentOf(5), [server.does('/svhn', status(404))])];
  files.stl10 = [distribution(contentOf(5), [server.does('/stl10', status(410))])];
  const failure = await get(['svhn', 'cifar10', 'stl10']).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DownloadError);
  expect((failure as Error).message).toMatch(/of svhn: no address gives it[^]*HTTP 404[^]*of stl10[^]*HTTP 410/);
  expect(readdirSync(path.join(folder, 'cifar10'))).toEqual(['file.bin']);
});

it('stops at once where no server can be reached', async () => {
  files.svhn = [distribution(contentOf(5), [await deadAddress()])];
  await expect(get(['svhn', 'cifar10'])).rejects.toThrow(/is this machine offline\?/);
  expect(server.asked).toEqual([]);
});

it('checks what is there, what is missing and what is on its way', async () => {
  await get(['svhn']);
  files.cifar10 = [
    distribution(contentOf(1000), [server.does('/cifar10', serve(contentOf(1000), { breakAfter: 400 }), status(404))]),
  ];
  await get(['cifar10']).catch(() => undefined);
  mkdirSync(path.join(folder, 'mnist'));
  writeFileSync(path.join(folder, 'mnist', 'file.bin'), 'other');
  const checked = await checkDatasets(['svhn', 'cifar10', 'mnist', 'kmnist'], environment(), files);
  expect(checked.map(({ files: [{ state, partBytes }] }) => [state.kind, partBytes])).toEqual([
    ['original', 0],
    ['missing', 400],
    ['wrong', 0],
    ['missing', 0],
  ]);
  expect(checked.map(hasWrong)).toEqual([false, false, true, false]);
  expect(checked.map(hasMissing)).toEqual([false, true, false, true]);
  expect(checked[3].folder).toBe(path.join(folder, 'kmnist'));
});
