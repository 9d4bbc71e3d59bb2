import type { dataCalls } from '../../../shared/api/data.ts';
import type { DatasetName } from '../../../shared/config.ts';
import { DISTRIBUTIONS } from '../../data/distributions.ts';
import { openDataset } from '../../data/openDataset.ts';
import { contactSheet } from '../contactSheet/contactSheet.ts';
import { listDatasets } from '../dataSets.ts';
import { checkDatasets, type CheckedFile } from '../datasets/checkDatasets.ts';
import { classCounts } from '../datasets/classCounts.ts';
import { datasetChosen, datasetNamed } from '../datasets/datasetNames.ts';
import { getDatasets, type GetReporter } from '../datasets/getDatasets.ts';
import type { RunReporter } from '../runInProgress.ts';
import type { ApiContext, Handlers } from './handlers.ts';

/** Images a class on a contact sheet that is looked at beside other things. */
const SHEET = { rows: 1, columns: 16 } as const;

export const dataHandlers = ({ tasks }: ApiContext): Handlers<typeof dataCalls> => ({
  'data.list': () =>
    listDatasets().map(({ name, shape, fullFolders, classes, ...facts }) => ({
      ...facts,
      ...shape,
      name: datasetNamed(name),
      classes: [...classes],
      folders: [...fullFolders],
      bytes: bytesOf(datasetNamed(name)),
    })),
  'data.get': ({ name, task }) =>
    tasks.run(task, async (reporter, signal) => {
      const host = { reporter: downloadReporter(name, reporter), signal, environment: process.env };
      const [got] = await getDatasets([name], host);
      return { folder: got.folder, files: got.files.map((file) => file.path) };
    }),
  'data.check': async ({ name }) => {
    const [{ folder, files, isExtracted }] = await checkDatasets([name], process.env);
    return {
      folder,
      files: files.map((file) => ({ name: file.name, bytes: file.bytes, ...stateOf(file, isExtracted) })),
    };
  },
  'data.preview': ({ dataset, split, seed }) => {
    const data = openDataset(datasetChosen(dataset));
    const { png, width, height } = contactSheet(data, { split, seed, ...SHEET });
    const counts = classCounts(data, { trainingInstances: null, instances: null, seed, domain: 'source' });
    return {
      ...{ title: data.name, png, width, height },
      classes: data.classes.map((name, label) => ({
        name,
        training: counts.training[label],
        validation: counts.validation[label],
        test: counts.test[label],
        evaluated: counts.evaluated[label],
      })),
    };
  },
});

const bytesOf = (name: DatasetName): number => DISTRIBUTIONS[name].reduce((sum, { bytes }) => sum + bytes, 0);

/** Bytes of all files together, as one piece of work. */
function downloadReporter(name: DatasetName, reporter: RunReporter): GetReporter {
  const total = bytesOf(name);
  const done = new Map<string, number>();
  const tell = (): void =>
    reporter.progress(
      [...done.values()].reduce((sum, bytes) => sum + bytes, 0),
      total,
    );
  return {
    beganSet: ({ title }) => reporter.began({ title, reused: false }),
    began: () => undefined,
    progress(bytes, file) {
      done.set(file.name, bytes);
      tell();
    },
    notice: (text) => reporter.notice(text),
    ended(file) {
      done.set(file.name, file.bytes);
      tell();
    },
  };
}

function stateOf(
  { state, partBytes, bytes }: CheckedFile,
  isExtracted: boolean,
): { readonly isRight: boolean | null; readonly state: string } {
  switch (state.kind) {
    case 'missing':
      if (isExtracted) return { isRight: null, state: 'extracted; no source states the checksums of what is inside' };
      return {
        isRight: null,
        state: partBytes === 0 ? 'missing' : `missing, ${Math.floor((100 * partBytes) / bytes)} % downloaded`,
      };
    case 'original':
      return { isRight: true, state: 'right' };
    case 'repacked':
      return { isRight: true, state: 'right, packed anew' };
    case 'unknown':
      return { isRight: null, state: 'unpacked; no source states the checksum of its contents' };
    case 'wrong':
      return { isRight: false, state: state.reason };
  }
}
