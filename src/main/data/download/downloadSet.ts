import { mkdir, open, rename, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { DistributionFile } from '../distributions.ts';
import { inspectFile } from '../inspectFiles.ts';
import { DownloadError, DownloadInterrupted } from './downloadError.ts';
import { fetchFile, type FailedAddress, type FetchOptions } from './fetchFile.ts';
import { withFolderLock } from './folderLock.ts';
import { partBytes, partPathOf, removeNote } from './partFile.ts';

export interface DownloadReporter {
  began(file: DistributionFile): void;
  progress(bytes: number, file: DistributionFile): void;
  notice(text: string): void;
  ended(file: DistributionFile, outcome: DownloadOutcome): void;
}
export type DownloadOutcome = 'downloaded' | 'already there';

export interface SetRequest {
  /** As the command line names it. */
  readonly name: string;
  readonly files: readonly DistributionFile[];
  /** Where they come to lie; made if need be. */
  readonly folder: string;
}

export interface DownloadedFile {
  readonly path: string;
  /** Of the distributed file. */
  readonly bytes: number;
  readonly outcome: DownloadOutcome;
}

export type SetOptions = Omit<FetchOptions, 'progress' | 'notice'> & { readonly reporter: DownloadReporter };

/**
 * Brings the files of a set into its folder. They are moved to their names together, once all are whole with the right
 * checksums: a set that is half there would serve nothing, and hide the one that comes with the program.
 * @throws DownloadError where one cannot be had, with what to do by hand
 * @throws DownloadInterrupted when the signal says so; what came is kept and gone on with
 */
export async function downloadSet(request: SetRequest, options: SetOptions): Promise<readonly DownloadedFile[]> {
  try {
    await mkdir(request.folder, { recursive: true });
    return await withFolderLock(request.folder, () => bringIn(request, options));
  } catch (error) {
    if (options.signal.aborted) throw new DownloadInterrupted(request.name);
    throw error instanceof DownloadError ? error : (diskError(error, request.folder) ?? error);
  }
}

async function bringIn({ name, files, folder }: SetRequest, options: SetOptions): Promise<DownloadedFile[]> {
  const { reporter } = options;
  const there = new Map<DistributionFile, string>();
  for (const file of files) {
    const at = await whereRight(file, folder, options);
    if (at !== null) there.set(file, at);
  }
  const wanted = files.filter((file) => !there.has(file));
  await checkSpace(wanted, folder);
  for (const file of files) {
    reporter.began(file);
    if (!there.has(file)) await bringOne(file, { name, folder, wanted }, options);
    reporter.ended(file, there.has(file) ? 'already there' : 'downloaded');
  }
  for (const file of wanted) await moveIntoPlace(file, folder);
  return files.map((file) => ({
    path: there.get(file) ?? path.join(folder, file.name),
    bytes: file.bytes,
    outcome: there.has(file) ? 'already there' : 'downloaded',
  }));
}

/** Path of what need not be downloaded; null where there is no such thing. */
async function whereRight(
  file: DistributionFile,
  folder: string,
  { reporter, signal }: SetOptions,
): Promise<string | null> {
  signal.throwIfAborted();
  const state = await inspectFile(file, folder);
  if (state.kind === 'original' || state.kind === 'repacked') return state.path;
  if (state.kind === 'wrong') reporter.notice(`${state.path} is to be replaced: ${state.reason}`);
  return null;
}

/** @throws DownloadError where the disk has too little room for what is still to come */
async function checkSpace(files: readonly DistributionFile[], folder: string): Promise<void> {
  let needed = 0;
  for (const file of files) needed += file.bytes - (await partBytes(path.join(folder, file.name), file));
  const { bavail, bsize } = await statfs(folder);
  if (needed <= bavail * bsize) return;
  throw new DownloadError(
    `${folder} needs ${megabytes(needed)} more and its disk has ${megabytes(bavail * bsize)} free; ` +
      'make room, or name a folder on another disk with PTW_DATA_DIR',
  );
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

interface Wanted {
  readonly name: string;
  readonly folder: string;
  /** The files of the set that are not there yet. */
  readonly wanted: readonly DistributionFile[];
}

async function bringOne(file: DistributionFile, set: Wanted, { reporter, ...options }: SetOptions): Promise<void> {
  const target = path.join(set.folder, file.name);
  const { whole, failed } = await fetchFile(file, target, {
    ...options,
    progress: (bytes) => reporter.progress(bytes, file),
    notice: (text) => reporter.notice(text),
  });
  if (!whole) throw notToBeHad(file, failed, { ...set, kept: await partBytes(target, file) });
}

function notToBeHad(
  file: DistributionFile,
  failed: readonly FailedAddress[],
  { name, folder, wanted, kept }: Wanted & { readonly kept: number },
): DownloadError {
  const offline = failed.every(({ fault }) => fault.kind === 'unreachable');
  const why = offline
    ? 'no server can be reached from here; is this machine offline? (proxies are taken from HTTPS_PROXY and HTTP_PROXY)'
    : 'no address gives it';
  const tried = failed.map(({ address, fault }) => `  ${address}: ${fault.message}\n`).join('');
  const rest = kept === 0 ? '' : `${kept} of its ${file.bytes} bytes came, are kept and will be gone on with.\n`;
  const byHand = wanted.map(({ addresses: [official] }) => `  ${official}\n`).join('');
  return new DownloadError(
    `${file.name} of ${name}: ${why}\n${tried}${rest}` +
      `Try again later, or copy by hand\n${byHand}` +
      `into ${folder}\nand in either case give: ptw data get ${name}, which checks what is there and gets the rest`,
    { offline },
  );
}

/** @throws Error when the part is not what was found whole */
async function moveIntoPlace(file: DistributionFile, folder: string): Promise<void> {
  const target = path.join(folder, file.name);
  const part = partPathOf(target);
  const { size } = await stat(part);
  if (size !== file.bytes)
    throw new DownloadError(
      `${part} changed while it was downloaded: ${size} bytes, expected ${file.bytes}; try again`,
    );
  await rename(part, target);
  await removeNote(target);
  await syncFolder(folder);
}

/** So that a power cut does not undo the rename; Windows has no such call and does without. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const DISK_TROUBLE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room, or name a folder on another disk with PTW_DATA_DIR',
  EDQUOT: 'your share of the disk is used up; make room, or name another folder with PTW_DATA_DIR',
  EACCES: 'this user may not write there; change its permissions, or name another folder with PTW_DATA_DIR',
  EPERM: 'this user may not write there; change its permissions, or name another folder with PTW_DATA_DIR',
  EROFS: 'the disk can only be read; name another folder with PTW_DATA_DIR',
  ENOTDIR: 'part of the path is a file; name another folder with PTW_DATA_DIR',
  EEXIST: 'there is a file of this name; name another folder with PTW_DATA_DIR',
};

function diskError(cause: unknown, folder: string): DownloadError | null {
  const { code } = (cause ?? {}) as { code?: unknown };
  const trouble = typeof code === 'string' ? DISK_TROUBLE[code] : undefined;
  return trouble === undefined ? null : new DownloadError(`writing into ${folder}: ${trouble}`, { cause });
}
