import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExperimentConfig } from '../../../src/shared/config.ts';
import { exportRun, type ExportFormat } from '../../../src/main/workbench/export/exportRun.ts';
import { startRun } from '../../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, tinyConfig } from '../tinyExperiment.ts';

/** A finished tiny run, with heads of every shape that a file may hold. */
export interface ExportedRun {
  readonly folder: string;
  readonly id: number;
  readonly config: ExperimentConfig;
}

export async function runToExport(change: Parameters<typeof tinyConfig>[0] = {}): Promise<ExportedRun> {
  const folder = emptyFolder();
  const config = tinyConfig({
    heads: [
      { layers: 1, constraint: 'none' },
      { layers: 4, constraint: 'wn' },
      { layers: 4, constraint: 'wn-l1', groupSize: 4, hiddenWidth: 16, temperature: 30 },
    ],
    ...change,
  });
  return { folder, id: await startRun(folder, config, quietHost()), config };
}

/** The files of an export by the end of their names, after "run-1-". */
export function exported({ folder, id }: ExportedRun, format: ExportFormat): Map<string, string> {
  const out = emptyFolder();
  const files = exportRun(folder, id, { format, out, force: false });
  return new Map(files.map((file) => [path.relative(out, file).slice(`run-${id}-`.length), file]));
}

export const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(file));
