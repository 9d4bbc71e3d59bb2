import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Domain } from '../../../shared/config.ts';
import type { EnginesBackend } from '../../engine/process/engines.ts';
import { sha256 } from '../../store/artefactFiles.ts';
import { programRoot } from './program.ts';

/** What a task was computed with. A shard carries it. */
export const provenanceSchema = z.object({
  /** Commit, with "+" where files differ from it, or the version of a copy without its history. */
  code: z.string(),
  /** SHA-256 of package-lock.json; null where a copy has none. */
  lockfile: z.string().nullable(),
  /** Fingerprints of the data files. */
  data: z.object({ source: z.string(), target: z.string() }),
  node: z.string(),
  /** As nvidia-smi names them; empty without. */
  gpus: z.array(z.string()),
  driver: z.string().nullable(),
  backend: z.string(),
  tensorflow: z.string().nullable(),
  devices: z.array(z.string()),
  job: z.string().nullable(),
  attempt: z.number().int(),
  beganAt: z.string(),
  endedAt: z.string(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/** What does not change while a process lives. */
export interface Machine {
  readonly code: string;
  readonly lockfile: string | null;
  readonly node: string;
  readonly gpus: string[];
  readonly driver: string | null;
}

export async function describeMachine(): Promise<Machine> {
  const [code, gpus] = await Promise.all([codeVersion(), nvidia()]);
  return { code, lockfile: lockfileHash(), node: hostname(), ...gpus };
}

/** As squeue names a job, 12_3 for a task of an array; on a machine without Slurm the slot that the task was started in. */
export function jobOf(environment: NodeJS.ProcessEnv): string | null {
  const { SLURM_JOB_ID: job, SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: index } = environment;
  if (job === undefined) return environment['PTW_TASK_SLOT'] ?? null;
  return array === undefined || index === undefined ? job : `${array}_${index}`;
}

export function provenanceOf(of: {
  readonly machine: Machine;
  readonly backend: EnginesBackend;
  readonly fingerprints: Readonly<Record<Domain, string>>;
  readonly job: string | null;
  readonly attempt: number;
  readonly beganAt: string;
  readonly endedAt: string;
}): Provenance {
  const { machine, backend, fingerprints, ...when } = of;
  return {
    ...machine,
    data: { source: fingerprints.source, target: fingerprints.target },
    backend: backend.name,
    tensorflow: backend.tensorflowVersion ?? null,
    devices: [...backend.devices],
    ...when,
  };
}

const run = promisify(execFile);

async function codeVersion(): Promise<string> {
  const root = programRoot();
  if (root === null) return 'packed application';
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  try {
    const { stdout: commit } = await run('git', ['-C', root, 'rev-parse', 'HEAD']);
    const { stdout: changes } = await run('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no']);
    return `${version} ${commit.trim()}${changes.trim() === '' ? '' : '+'}`;
  } catch {
    // A copy without its history.
    return version;
  }
}

function lockfileHash(): string | null {
  try {
    return sha256(readFileSync(join(programRoot() ?? '', 'package-lock.json')));
  } catch {
    return null;
  }
}

async function nvidia(): Promise<{ gpus: string[]; driver: string | null }> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader']);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(', '));
    return { gpus: rows.map(([name]) => name), driver: rows[0]?.[1] ?? null };
  } catch {
    return { gpus: [], driver: null };
  }
}
