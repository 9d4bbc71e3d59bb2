import { RUN_FACTS, type RunFact, type RunRow, type RunSelection, type runsCalls } from '../../../shared/api/runs.ts';
import type { ListedRow, RunColumn, RunSelector } from '../../store/runList.ts';
import type { Store } from '../../store/store.ts';
import { deleteRuns } from '../runs/deleteRuns.ts';
import { groupRuns } from '../runs/groups.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const runsHandlers = ({ store, emit }: ApiContext): Handlers<typeof runsCalls> => ({
  'runs.list': ({ sort, columns, offset, limit, ...selection }) => {
    const selector = selectorOf(selection);
    const order = sort.map(({ column, isDescending }) => ({ column: columnOf(column), isDescending }));
    const rows = store.runList.page(selector, { order, offset, limit });
    return { total: store.runList.count(selector), rows: rows.map((row) => rowOf(store, row, columns)) };
  },
  'runs.group': ({ by, figures, ...selection }) => {
    const selector = selectorOf(selection);
    const values = figures.map((name) => {
      const cells = store.runList.column(selector, columnOf(name));
      return [name, new Map(cells.map(({ id, value }) => [id, typeof value === 'number' ? value : null]))] as const;
    });
    const runs = store.runList.column(selector, columnOf(by)).map(({ id, value }) => ({
      value,
      figures: Object.fromEntries(values.map(([name, of]) => [name, of.get(id) ?? null])),
    }));
    return groupRuns(runs, figures);
  },
  'runs.columns': () => ({
    config: store.runList.configKeys().map(({ key, values }) => ({ column: `config:${key}`, values })),
    figures: store.runList.figureNames().map((name) => `figure:${name}`),
    tags: store.runList.tags(),
  }),
  'runs.organise': ({ runs, ...change }) => {
    store.runList.organise(runs, change);
    for (const run of runs) emit({ kind: 'run-changed', run });
    return {};
  },
  'runs.delete': ({ runs, isTrial }) => {
    const deleted = deleteRuns(store, runs, { isTrial });
    if (!isTrial) for (const run of runs) emit({ kind: 'run-changed', run });
    return deleted;
  },
});

function selectorOf({ search, statuses, tags, archived, filters }: RunSelection): RunSelector {
  return {
    search,
    statuses,
    tags,
    archived,
    conditions: filters.map(({ column, operator, value }) => {
      const of = columnOf(column);
      if (operator === 'missing' || operator === 'present') return { column: of, operator };
      if (operator === 'contains') return { column: of, operator, value: String(value) };
      return { column: of, operator, value };
    }),
  };
}

const isFact = (name: string): name is RunFact => (RUN_FACTS as readonly string[]).includes(name);

/** Of a name that the schema let pass. */
function columnOf(name: string): RunColumn {
  if (isFact(name)) return { kind: 'fact', name };
  const at = name.indexOf(':');
  return { kind: name.startsWith('config:') ? 'config' : 'figure', name: name.slice(at + 1) };
}

function rowOf(store: Store, row: ListedRow, columns: readonly string[]): RunRow {
  const stages = store.runs.stageCounts(row.id);
  return {
    run: row.id,
    name: row.name,
    status: row.status,
    failure: row.failure,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    seconds: row.seconds,
    note: row.note,
    isPinned: row.pinned === 1,
    isArchived: row.archived === 1,
    tags: store.runList.tagsOf(row.id),
    ...stages,
    values: Object.fromEntries(columns.map((name) => [name, store.runList.cell(row.id, columnOf(name))])),
  };
}
