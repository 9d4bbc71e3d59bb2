import type { Job } from '../launcher.ts';

/** What squeue prints of each task of an array, a line each. */
export const SQUEUE_FORMAT = '%F|%K|%T|%r|%N|%j';

export interface QueueLine {
  /** Of the array: 12 */
  readonly job: string;
  /** In the array; null for a job that is none. */
  readonly index: number | null;
  /** In Slurm's word. */
  readonly state: string;
  readonly reason: string;
  readonly node: string;
  readonly name: string;
}

/** @throws Error for a line of another form */
export function parseQueue(text: string): QueueLine[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [job, index, state, reason, node, ...name] = line.split('|');
      if (name.length === 0) throw new Error(`squeue printed ${JSON.stringify(line)}, expected ${SQUEUE_FORMAT}`);
      return { job, index: /^\d+$/.test(index) ? Number(index) : null, state, reason, node, name: name.join('|') };
    });
}

const RUNNING = new Set(['RUNNING', 'COMPLETING', 'SIGNALING', 'STAGE_OUT', 'RESIZING', 'SUSPENDED', 'STOPPED']);
const WAITING = new Set([
  'PENDING',
  'CONFIGURING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
]);

/** A dependency that failed; clusters that do not end such a job leave it in the queue for ever. */
export const isStuck = ({ state, reason }: Pick<QueueLine, 'state' | 'reason'>): boolean =>
  state === 'PENDING' && reason === 'DependencyNeverSatisfied';

export function toJob(line: QueueLine): Job {
  const { job, index, state, reason, node } = line;
  const id = index === null ? job : `${job}_${index}`;
  const stands = RUNNING.has(state) ? 'running' : WAITING.has(state) && !isStuck(line) ? 'waiting' : 'gone';
  // What a job that is gone ended as is the reason that is known of it.
  const said = stands === 'gone' ? state : reason === 'None' ? null : reason;
  return { state: stands, id, node: node === '' ? null : node, reason: said };
}

/** What sacct prints of each task: `-X -n -P -o JobID,State,NodeList`. Sums over several tasks of an array ("12_[3-8]") are left out. */
export function parseAccounting(text: string): Map<string, { readonly state: string; readonly node: string }> {
  return new Map(
    text
      .split('\n')
      .map((line) => line.split('|'))
      .filter(([id, ...fields]) => /^\d+_\d+$/.test(id) && fields.length > 0)
      // "CANCELLED by 1000"
      .map(([id, state, node = '']) => [id, { state: state.split(' ')[0], node }]),
  );
}

/** Of `scontrol show config`. */
export interface ClusterLimits {
  /** Tasks of one array: one less than the index that may not be reached. */
  readonly largestArray: number;
  /** Jobs that the controller holds for everybody. */
  readonly maxJobs: number;
  readonly hasAccounting: boolean;
}

export function parseConfig(text: string): ClusterLimits {
  const value = (key: string): string | null => new RegExp(`^${key}\\s*=\\s*(\\S+)`, 'm').exec(text)?.[1] ?? null;
  return {
    largestArray: Math.max(1, Number(value('MaxArraySize') ?? 1001)),
    maxJobs: Number(value('MaxJobCount') ?? 10_000),
    hasAccounting: value('AccountingStorageType') === 'accounting_storage/slurmdbd',
  };
}

/** The smallest of the numbers that sacctmgr printed, a line each; Infinity where no limit is set. */
export const smallestLimit = (text: string): number =>
  Math.min(
    ...text
      .split(/[\s|]+/)
      .filter((word) => /^\d+$/.test(word))
      .map(Number),
    Infinity,
  );
