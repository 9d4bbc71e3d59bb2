import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { StoreError, type StoreErrorCode } from '../../src/main/store/errors.ts';
import type { Store } from '../../src/main/store/store.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'workbench-store-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The id of a certification stage, of a run of its own. */
export function certificationStage(store: Store, name = 'certification'): number {
  const run = store.runs.create({ name, config: { name }, environment: {} });
  const { id } = store.stages.ensureStage({
    key: keyOf(name),
    kind: 'certification',
    domain: 'target',
    headLabel: '1 layer, none',
    inputs: { name },
  });
  store.stages.link(run.id, id, 0);
  return id;
}

/** The StoreError that `work` throws; fails when it throws none or another. */
export function refusalOf(work: () => unknown): { code: StoreErrorCode; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}
