import type { compareCalls } from '../../../shared/api/compare.ts';
import { pairedTests } from '../compare/pairedTests.ts';
import { reportOf } from '../report.ts';
import { storedRun } from '../storedRun.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const compareHandlers = ({ store }: ApiContext): Handlers<typeof compareCalls> => ({
  'compare.runs': ({ runs: ids }) => {
    const runs = ids.map((id) => storedRun(store, id));
    const values = ids.map((id) => store.runList.valuesOf(id));
    const keys = [...new Set(values.flatMap((of) => [...of.keys()]))].sort();
    return {
      runs: runs.map((run) => ({
        run: run.run.id,
        name: run.run.name,
        status: run.run.status,
        rows: reportOf(store, run),
      })),
      differing: keys
        .map((key) => ({ key, values: values.map((of) => of.get(key) ?? null) }))
        .filter(({ values: row }) => new Set(row).size > 1),
    };
  },
  'compare.tests': ({ runs }) =>
    pairedTests(
      store,
      runs.map((id) => storedRun(store, id)),
    ),
});
