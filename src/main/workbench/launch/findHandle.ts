import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { LAUNCHERS } from '../../../shared/launch.ts';
import type { LaunchRecord } from '../../store/launches.ts';
import { BadInput } from '../errors.ts';
import { readingIfThere } from '../storeOfFolder.ts';
import { directHandle, type LaunchHandle } from './handle.ts';
import { LAUNCH_FILE } from './launchFile.ts';
import type { LaunchPlace } from './launchInStore.ts';
import { launchesOf } from './prepareHere.ts';
import { remoteHandle } from './remote/remoteHandle.ts';

export type { LaunchRecord };

const placeSchema = z.object({
  folder: z.string(),
  launcher: z.enum(LAUNCHERS),
  ssh: z.string().nullable(),
  command: z.string(),
});

/**
 * The launch of a number, a name or a folder.
 * @param home folder of the database
 * @throws BadInput where there is none
 */
export function findHandle(home: string, which: string): LaunchHandle {
  const record = readingIfThere(home, (store): LaunchRecord | null => {
    if (store === null) return null;
    return /^\d+$/.test(which) ? store.launches.get(Number(which)) : store.launches.findByName(which);
  });
  if (record !== null) return handleOf(home, record);
  if (existsSync(join(which, LAUNCH_FILE))) return directHandle(resolve(which));
  throw new BadInput(
    `"${which}" is neither a launch's number or name nor a folder with ${LAUNCH_FILE}; list them with ptw launches`,
  );
}

/** A place as a store's row keeps it. @throws ZodError for one of another version */
export const placeOf = (place: unknown): LaunchPlace => placeSchema.parse(place);

/** @throws BadInput where its folder is gone */
export function handleOf(home: string, { name, place }: Pick<LaunchRecord, 'name' | 'place'>): LaunchHandle {
  const { ssh, ...at } = placeOf(place);
  return ssh === null ? directHandle(at.folder) : remoteHandle({ ...at, ssh }, join(launchesOf(home), name));
}
