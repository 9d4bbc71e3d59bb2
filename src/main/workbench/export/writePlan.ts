import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { BadInput } from '../errors.ts';

/** Takes the next piece of a file. */
export type Sink = (piece: string | Uint8Array) => void;

/** What an export writes: names first, so that nothing is begun that would be refused; contents piece by piece. */
export interface ExportPlan {
  /** A folder of their own, which replaces one of the same name as a whole; null for files that stand by themselves. */
  readonly folder: string | null;
  /** Relative to that folder, with "/" between its own folders. */
  readonly files: readonly string[];
  /** Writes every file, in any order or several at a time. */
  readonly write: (open: (file: string) => Sink) => void;
}

export interface Destination {
  /** Made if need be. */
  readonly out: string;
  /** Replace what is there under the same names. */
  readonly force: boolean;
}

/** Files that stand by themselves, their contents by name. */
export function planOfPieces(files: Readonly<Record<string, Iterable<string>>>): ExportPlan {
  return {
    folder: null,
    files: Object.keys(files),
    write(open) {
      for (const [name, pieces] of Object.entries(files)) {
        const write = open(name);
        for (const piece of pieces) write(piece);
      }
    },
  };
}

/**
 * Works a plan off beside its destination and moves it there once it is whole.
 * @returns the paths of the files
 * @throws BadInput when something is there already or the folder cannot be written
 */
export function writePlan(plan: ExportPlan, { out, force }: Destination): string[] {
  const names = plan.folder === null ? plan.files : [plan.folder];
  const unfinished = path.join(out, `${names[0]}.unfinished`);
  try {
    mkdirSync(out, { recursive: true });
    if (!force) requireAbsent(names.map((name) => path.join(out, name)));
    rmSync(unfinished, { recursive: true, force: true });
    writeAllFiles(plan, unfinished);
    if (plan.folder === null) for (const name of names) renameSync(path.join(unfinished, name), path.join(out, name));
    else replaceFolder(unfinished, path.join(out, plan.folder));
    return plan.files.map((file) => path.join(out, plan.folder ?? '', file));
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new BadInput(`export to "${out}": ${error.message}`);
    throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function requireAbsent(paths: readonly string[]): void {
  const present = paths.filter((file) => existsSync(file));
  if (present.length === 0) return;
  throw new BadInput(
    `export: ${present.join(', ')} is there already; choose another --out, or replace it with --force`,
  );
}

function writeAllFiles({ files, write }: ExportPlan, folder: string): void {
  const descriptors = new Map<string, number>();
  try {
    for (const file of files) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      descriptors.set(file, openSync(path.join(folder, file), 'wx'));
    }
    write((file) => {
      const descriptor = descriptors.get(file);
      if (descriptor === undefined) throw new Error(`internal: export: got the file ${file}, which its plan lacks`);
      return (piece) => writeAll(descriptor, typeof piece === 'string' ? Buffer.from(piece) : piece);
    });
  } finally {
    for (const descriptor of descriptors.values()) closeSync(descriptor);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}

/** A rename does not replace a folder with files in it, so the old one steps aside first. */
function replaceFolder(whole: string, place: string): void {
  const old = `${place}.replaced`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(whole, place);
  rmSync(old, { recursive: true, force: true });
}
