import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { BadInput } from '../errors.ts';
import { reading } from '../storeOfFolder.ts';
import { storedRun } from '../storedRun.ts';
import { jsonDocument } from './json.ts';
import { tablesOf, type FlatTable } from './tables.ts';

export const EXPORT_FORMATS = ['json', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportRequest {
  readonly format: ExportFormat;
  /** Folder of the files; made if need be. */
  readonly out: string;
  /** Replace files of the same names. */
  readonly force: boolean;
}

/**
 * Writes a run's results into a folder: `run-<id>.json`, or a CSV file a table.
 * @returns the paths written
 * @throws BadInput when a file is there already or the folder cannot be written; StoreError
 */
export function exportRun(folder: string, id: number, { format, out, force }: ExportRequest): string[] {
  return reading(folder, (store) => {
    const run = storedRun(store, id);
    const files: Record<string, Iterable<string>> = format === 'json'
      ? { [`run-${id}.json`]: jsonDocument(store, run) }
      : Object.fromEntries(tablesOf(store, run).map((table) => [`run-${id}-${table.name}.csv`, csvLines(table)]));
    return writeFiles(out, files, force);
  });
}

function* csvLines({ columns, rows }: FlatTable): Generator<string> {
  yield stringify([[...columns]]);
  const cast = { boolean: (value: boolean): string => String(value) };
  for (const row of rows) yield stringify([[...row]], { cast });
}

/** Every file whole or not at all. @returns their paths @throws BadInput as exportRun */
export function writeFiles(out: string, files: Readonly<Record<string, Iterable<string>>>, force: boolean): string[] {
  try {
    mkdirSync(out, { recursive: true });
    const paths = Object.keys(files).map((name) => path.join(out, name));
    const present = paths.filter((file) => existsSync(file));
    if (present.length > 0 && !force) {
      throw new BadInput(
        `export: ${present.join(', ')} is there already; choose another --out, or replace it with --force`,
      );
    }
    Object.values(files).forEach((pieces, i) => writeWhole(paths[i], pieces));
    return paths;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new BadInput(`export to "${out}": ${error.message}`);
    throw error;
  }
}

/** Under its own name only once it is whole. */
function writeWhole(file: string, pieces: Iterable<string>): void {
  const unfinished = `${file}.unfinished`;
  const descriptor = openSync(unfinished, 'w');
  try {
    for (const piece of pieces) writeAll(descriptor, Buffer.from(piece));
    closeSync(descriptor);
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
