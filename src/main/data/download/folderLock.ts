import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { DownloadError } from './downloadError.ts';

const lockPathOf = (folder: string): string => path.join(folder, '.download.lock');

/**
 * Does work that no other process does in the folder at the same time: two that wrote the same part could leave one
 * of them with a file that it had found whole and the other cut.
 * @throws DownloadError while another process is at it
 */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = lockPathOf(folder);
  await take(lock);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(lock, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (isAlive(holder)) throw held(lock, `process ${holder}`);
    // Its process ended without tidying up, as after a power cut.
    await rm(lock, { force: true });
  }
  throw held(lock, 'another process');
}

function held(lock: string, holder: string): DownloadError {
  return new DownloadError(
    `${holder} is downloading into ${path.dirname(lock)}; wait for it, or remove ${lock} if it is no download`,
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
