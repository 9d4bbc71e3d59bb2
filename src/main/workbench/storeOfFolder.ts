import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { homeFolder } from '../data/homeFolder.ts';
import { DATABASE_NAME, openStore, type Store } from '../store/store.ts';

const APPLICATION = 'provable-transfer-workbench';

/** The folder of the database: PTW_HOME, else the user's own data folder. */
export function workbenchFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { PTW_HOME: chosen, XDG_DATA_HOME: xdg, LOCALAPPDATA: local } = environment;
  if (chosen !== undefined && chosen !== '') return chosen;
  if (process.platform === 'win32' && local !== undefined) return join(local, APPLICATION);
  if (process.platform === 'darwin') return join(homeFolder('PTW_HOME'), 'Library', 'Application Support', APPLICATION);
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homeFolder('PTW_HOME'), '.local', 'share'), APPLICATION);
}

export const databaseIn = (folder: string): string => join(folder, DATABASE_NAME);

/** Lends the folder's store, closed again whatever happens. @throws as openStore, and what body throws */
export function reading<T>(folder: string, body: (store: Store) => T): T {
  const store = openStore(folder, { readonly: true });
  try {
    return body(store);
  } finally {
    store.close();
  }
}

/** As reading; null instead of a store where nothing was run yet. */
export function readingIfThere<T>(folder: string, body: (store: Store | null) => T): T {
  return existsSync(databaseIn(folder)) ? reading(folder, body) : body(null);
}

/** As reading, for work that takes a while; another process may go on writing. */
export function readingWhile<T>(folder: string, body: (store: Store) => Promise<T>): Promise<T> {
  return lend(openStore(folder, { readonly: true }), body);
}

export function writingWhile<T>(folder: string, body: (store: Store) => Promise<T>): Promise<T> {
  return lend(openStore(folder), body);
}

async function lend<T>(store: Store, body: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await body(store);
  } finally {
    store.close();
  }
}
