import type { StageKind, StageRecord } from '../../store/tables/stage.ts';
import { BadInput } from '../errors.ts';
import type { StoredRun } from '../storedRun.ts';

const NAMES: Readonly<Record<StageKind, string>> = {
  extractor: 'the extractor',
  head: 'training',
  prediction: 'predictions',
  pgd: 'PGD',
  'noise-attack': 'noise attack',
  'adversarial-search': 'adversarial search',
  certification: 'certificates',
};

/** @throws BadInput naming the parts of these kinds (null: of every kind) that the run has not finished */
export function requireFinished(
  { run, stages }: Pick<StoredRun, 'run' | 'stages'>,
  format: string,
  kinds: readonly StageKind[] | null,
): void {
  const needed = stages.filter(({ kind }) => kinds === null || kinds.includes(kind));
  const missing = needed.filter(({ status }) => status !== 'done');
  if (needed.length > 0 && missing.length === 0) return;
  const parts = needed.length === 0 ? 'all of it' : missing.map(partName).join('; ');
  throw new BadInput(
    `export of run ${run.id} as ${format}: it is not finished, missing: ${parts}; go on with: ptw resume ${run.id}`,
  );
}

const partName = ({ kind, domain, headLabel }: StageRecord): string =>
  [NAMES[kind], domain, headLabel].filter((part) => part !== null).join(', ');
