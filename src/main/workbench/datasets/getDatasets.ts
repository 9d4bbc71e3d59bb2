import type { DatasetName } from '../../../shared/config.ts';
import { CATALOGUE } from '../../data/catalogue.ts';
import { whereabouts } from '../../data/dataFolders.ts';
import { DISTRIBUTIONS, type DistributionFile } from '../../data/distributions.ts';
import { DownloadError } from '../../data/download/downloadError.ts';
import { downloadSet, type DownloadedFile, type DownloadReporter } from '../../data/download/downloadSet.ts';

/** What a host shows while sets are downloaded. */
export interface GetReporter extends DownloadReporter {
  beganSet(set: SetToGet): void;
}

export interface SetToGet {
  readonly name: DatasetName;
  readonly title: string;
  readonly licence: string;
  readonly files: readonly DistributionFile[];
  /** Where its files come to lie. */
  readonly folder: string;
}

export interface GetHost {
  readonly reporter: GetReporter;
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
}

export interface GotSet {
  readonly name: DatasetName;
  readonly folder: string;
  readonly files: readonly DownloadedFile[];
}

/**
 * Downloads sets one after the other, into the first of the folders in which full sets are looked for.
 * @param files what each set consists of
 * @throws DownloadError once all have been tried, naming each that could not be had; at once where no server can be reached
 * @throws DownloadInterrupted
 */
export async function getDatasets(
  names: readonly DatasetName[],
  { reporter, signal, environment }: GetHost,
  files: Readonly<Record<DatasetName, readonly DistributionFile[]>> = DISTRIBUTIONS,
): Promise<readonly GotSet[]> {
  const got: GotSet[] = [];
  const failures: DownloadError[] = [];
  for (const name of names) {
    const set = setToGet(name, files[name], environment);
    reporter.beganSet(set);
    try {
      got.push({ name, folder: set.folder, files: await downloadSet(set, { reporter, signal, environment }) });
    } catch (error) {
      if (!(error instanceof DownloadError) || error.offline || names.length === 1) throw error;
      reporter.notice(error.message);
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new DownloadError(failures.map(({ message }) => message).join('\n\n'));
  return got;
}

function setToGet(name: DatasetName, files: readonly DistributionFile[], environment: NodeJS.ProcessEnv): SetToGet {
  const { title, licence } = CATALOGUE[name];
  return { name, title, licence, files, folder: whereabouts(name, environment).fullFolders[0] };
}
