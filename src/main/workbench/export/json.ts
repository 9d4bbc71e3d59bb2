import type { Store } from '../../store/store.ts';
import type { StageRecord } from '../../store/tables/stage.ts';
import { reportOf } from '../report.ts';
import { headsOf, stageOf, type HeadOfDomain, type StoredRun } from '../storedRun.ts';

/**
 * A run as one JSON document, in pieces: everything the store holds of it but weights. Arrays are JSON arrays; a number
 * that JSON has no text for is the string "NaN", "Infinity" or "-Infinity" (a margin is Infinity at its own class). Each
 * certificate is a line of its own, so that no consumer needs the whole in memory.
 */
export function* jsonDocument(store: Store, run: StoredRun): Generator<string> {
  const { run: record, config, stages } = run;
  const head = {
    format: 'provable-transfer-workbench/run',
    version: 1,
    run: record,
    config,
    table: reportOf(store, run),
  };
  yield `${jsonText(head).slice(0, -1)},\n"stages": ${jsonText(
    stages.map((stage) => ({ ...stage, epochs: store.stages.epochs(stage.id) })),
  )}`;
  yield* section(
    'predictions',
    sampleRows(run, 'prediction', (stageId) => store.results.predictions(stageId)),
  );
  yield* section(
    'noiseAttacks',
    sampleRows(run, 'noise-attack', (stageId) => store.results.noiseAttacks(stageId)),
  );
  yield* section(
    'pgd',
    sampleRows(run, 'pgd', (stageId) => store.results.pgd(stageId)),
  );
  yield* section(
    'adversarialSearches',
    sampleRows(run, 'adversarial-search', (stageId) => store.results.adversarialSearches(stageId)),
  );
  yield* section(
    'certificates',
    sampleRows(run, 'certification', (stageId) => store.results.iterateCertificates(stageId)),
  );
  yield '\n}\n';
}

function* section(name: string, rows: Iterable<unknown>): Generator<string> {
  yield `,\n"${name}": [`;
  let separator = '\n';
  for (const row of rows) {
    yield `${separator}${jsonText(row)}`;
    separator = ',\n';
  }
  yield '\n]';
}

function* sampleRows<T extends object>(
  run: StoredRun,
  kind: StageRecord['kind'],
  read: (stageId: number) => Iterable<T>,
): Generator<HeadOfDomain & T> {
  for (const of of headsOf(run)) {
    const stage = stageOf(run, kind, of);
    if (stage === undefined) continue;
    for (const record of read(stage.id)) yield { ...of, ...record };
  }
}

/** JSON of results: typed arrays as arrays, numbers that are not finite as strings. */
export function jsonText(value: unknown, indent?: number): string {
  const plain = (_key: string, item: unknown): unknown => {
    if (typeof item === 'number' && !Number.isFinite(item)) return String(item);
    return ArrayBuffer.isView(item) ? Array.from(item as unknown as ArrayLike<number>) : item;
  };
  return JSON.stringify(value, plain, indent);
}
