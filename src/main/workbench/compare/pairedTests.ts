import type { PairedTest } from '../../../shared/api/compare.ts';
import { mcnemarExact } from '../../math/mcnemar.ts';
import type { Store } from '../../store/store.ts';
import { headsOf, stageOf, type HeadOfDomain, type StoredRun } from '../storedRun.ts';

/** Whether each instance counts, by dataset index, for each measure that a head has. */
type Outcomes = ReadonlyMap<string, ReadonlyMap<number, boolean>>;

function outcomesOf(store: Store, run: StoredRun, of: HeadOfDomain): Outcomes {
  const measures = new Map<string, Map<number, boolean>>();
  const put = (measure: string, index: number, counts: boolean): void => {
    const known = measures.get(measure) ?? new Map<number, boolean>();
    // Of several sound rules one suffices.
    known.set(index, counts || known.get(index) === true);
    measures.set(measure, known);
  };
  const prediction = stageOf(run, 'prediction', of);
  if (prediction !== undefined) {
    const selection = {
      stageId: prediction.id,
      source: { by: 'clean' } as const,
      filter: { outcome: null, label: null },
    };
    const order = { by: 'index', isDescending: false } as const;
    for (const row of store.results.instancePage(selection, { order, offset: 0, limit: 1_000_000 })) {
      put('Base A_B', row.dataset_index, row.outcome === 'correct');
    }
  }
  const pgd = stageOf(run, 'pgd', of);
  for (const { datasetIndex, robust } of pgd === undefined ? [] : store.results.pgdOutcomes(pgd.id)) {
    put('Attacked PGD', datasetIndex, robust);
  }
  const certification = stageOf(run, 'certification', of);
  for (const { method, soundness, verdict, label, datasetIndex } of certification === undefined
    ? []
    : store.results.certificateHeaders(certification.id)) {
    if (soundness !== 'proved') continue;
    const name =
      method === 'representation' ? 'Representation A_V proved' : `${method[0].toUpperCase()}${method.slice(1)} A_V`;
    put(name, datasetIndex, verdict.outcome === 'certified' && verdict.predicted === label);
  }
  return measures;
}

/** McNemar's exact test between the first run and each other, for every head and measure that both have. */
export function pairedTests(store: Store, [first, ...others]: readonly StoredRun[]): PairedTest[] {
  return headsOf(first).flatMap((of) => {
    const mine = outcomesOf(store, first, of);
    return others
      .filter((other) => headsOf(other).some(({ domain, head }) => domain === of.domain && head === of.head))
      .flatMap((other) => {
        const theirs = outcomesOf(store, other, of);
        return [...mine].flatMap(([measure, counts]): PairedTest[] => {
          const against = theirs.get(measure);
          if (against === undefined) return [];
          const shared = [...counts].flatMap(([index, isMine]) => {
            const isTheirs = against.get(index);
            return isTheirs === undefined ? [] : [{ isMine, isTheirs }];
          });
          const onlyFirst = shared.filter(({ isMine, isTheirs }) => isMine && !isTheirs).length;
          const onlyOther = shared.filter(({ isMine, isTheirs }) => !isMine && isTheirs).length;
          const pValue = mcnemarExact(onlyFirst, onlyOther);
          return [{ run: other.run.id, ...of, measure, shared: shared.length, onlyFirst, onlyOther, pValue }];
        });
      });
  });
}
