// A finished run in a folder of its own, small enough to be made in seconds, for attacks that need something to reach for.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { DATABASE_NAME } from '../../src/main/store/store.ts';
import { parseConfig } from '../../src/main/workbench/loadConfig.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';

const CONFIG = {
  name: 'torture',
  seed: 3,
  source: { dataset: 'fashion-mnist', trainingInstances: 100 },
  target: { dataset: 'mnist', trainingInstances: 100 },
  extractor: { preset: 'wrn-10-1' },
  training: { source: { maxEpochs: 1, batchSize: 32 }, heads: { maxEpochs: 1, batchSize: 32 } },
  heads: [{ layers: 1, constraint: 'wn' }],
  instances: 10,
  noiseAttack: { draws: 4 },
  pgd: { steps: 2 },
  certification: { draws: 60, selectionDraws: 20, alpha: 0.05, sigma: 0.05 },
};

export const temporaryFolder = (): string => mkdtempSync(path.join(tmpdir(), 'ptw-torture-'));

export async function finishedRun(change: Record<string, unknown> = {}): Promise<string> {
  const folder = temporaryFolder();
  const reporter = {
    began: () => undefined,
    progress: () => undefined,
    epoch: () => undefined,
    notice: () => undefined,
    ended: () => undefined,
  };
  const host = { reporter, signal: new AbortController().signal, opened: () => undefined };
  await startRun(folder, parseConfig({ ...CONFIG, ...change }, 'the run of an attack'), host);
  return folder;
}

/** SHA-256 of every row of every table, and of every other file below the folder with its name. */
export function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const db = new Database(path.join(folder, DATABASE_NAME), { readonly: true });
  try {
    const tables = db
      .prepare<[], { name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name",
      )
      .all();
    for (const { name, sql } of tables) {
      hash.update(`${name}\n${sql}\n`);
      const rows = db.prepare(`SELECT * FROM "${name}"`).raw().all() as unknown[][];
      const texts = rows.map((row) =>
        JSON.stringify(row.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('base64') : cell))),
      );
      for (const text of texts.sort()) hash.update(`${text}\n`);
    }
  } finally {
    db.close();
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(folder, name);
    if (name.startsWith(DATABASE_NAME) || !statSync(file).isFile()) continue;
    hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
