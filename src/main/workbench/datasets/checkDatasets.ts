import path from 'node:path';
import type { DatasetName } from '../../../shared/config.ts';
import { DataError } from '../../data/dataError.ts';
import { lookForFiles, whereabouts } from '../../data/dataFolders.ts';
import { DISTRIBUTIONS, type DistributionFile } from '../../data/distributions.ts';
import { partBytes } from '../../data/download/partFile.ts';
import { inspectFile, type FileState } from '../../data/inspectFiles.ts';

export interface CheckedFile {
  readonly name: string;
  readonly state: FileState;
  /** Bytes that a download left behind and goes on with; of the distributed file's. */
  readonly partBytes: number;
  readonly bytes: number;
}

export interface CheckedSet {
  readonly name: DatasetName;
  /** The first of its folders that holds any of its files, else where they would be looked for first. */
  readonly folder: string;
  readonly files: readonly CheckedFile[];
  /** The files inside its archives lie there, extracted: they serve, and no source states their checksums. */
  readonly isExtracted: boolean;
}

/** Size and checksum of the files that are there, beside those of the distributed ones. */
export async function checkDatasets(
  names: readonly DatasetName[],
  environment: NodeJS.ProcessEnv,
  files: Readonly<Record<DatasetName, readonly DistributionFile[]>> = DISTRIBUTIONS,
): Promise<readonly CheckedSet[]> {
  const checked: CheckedSet[] = [];
  for (const name of names) checked.push(await checkSet(name, files[name], environment));
  return checked;
}

async function checkSet(
  name: DatasetName,
  files: readonly DistributionFile[],
  environment: NodeJS.ProcessEnv,
): Promise<CheckedSet> {
  const { fullFolders } = whereabouts(name, environment);
  const places: CheckedSet[] = [];
  for (const folder of fullFolders) {
    const checked: CheckedFile[] = [];
    for (const file of files) checked.push(await checkFile(file, folder));
    places.push({ name, folder, files: checked, isExtracted: false });
    if (checked.some(({ state }) => state.kind !== 'missing')) break;
  }
  const found = places.findLast(holdsSomething) ?? places[0];
  return { ...found, isExtracted: hasMissing(found) && servesInFull(name, environment) };
}

async function checkFile(file: DistributionFile, folder: string): Promise<CheckedFile> {
  return {
    name: file.name,
    state: await inspectFile(file, folder),
    partBytes: await partBytes(path.join(folder, file.name), file),
    bytes: file.bytes,
  };
}

/** A set in full is found though its distributed files are not: by what was extracted from them. */
function servesInFull(name: DatasetName, environment: NodeJS.ProcessEnv): boolean {
  try {
    return lookForFiles(name, 'full', whereabouts(name, environment))?.origin === 'full';
  } catch (error) {
    // Some of its files are there and some are not.
    if (error instanceof DataError) return false;
    throw error;
  }
}

const holdsSomething = ({ files }: CheckedSet): boolean => files.some(({ state }) => state.kind !== 'missing');

/** Whether a file of a set is another than the distributed one. */
export const hasWrong = ({ files }: CheckedSet): boolean => files.some(({ state }) => state.kind === 'wrong');

/** Whether a set lacks a file. */
export const hasMissing = ({ files, isExtracted }: CheckedSet): boolean =>
  !isExtracted && files.some(({ state }) => state.kind === 'missing');
