import { statement, type ReadableDb } from '../database.ts';

/** A column that runs are filtered, sorted and grouped by. */
export type RunColumn =
  | { readonly kind: 'fact'; readonly name: FactName }
  | { readonly kind: 'config'; readonly name: string }
  | { readonly kind: 'figure'; readonly name: string };

/** What each fact is in SQL; no name from outside gets into a statement. */
const FACTS = {
  id: 'run.id',
  name: 'run.name',
  status: 'run.status',
  createdAt: 'run.created_at',
  finishedAt: 'run.finished_at',
  seconds: 'run.seconds',
  note: 'run.note',
} as const;
export type FactName = keyof typeof FACTS;

export type Comparison = '=' | '≠' | '<' | '≤' | '>' | '≥';
export type RunCondition =
  | { readonly column: RunColumn; readonly operator: Comparison; readonly value: string | number }
  | { readonly column: RunColumn; readonly operator: 'contains'; readonly value: string }
  | { readonly column: RunColumn; readonly operator: 'missing' | 'present' };

export interface RunSelector {
  readonly search: string;
  readonly statuses: readonly string[];
  readonly tags: readonly string[];
  readonly archived: 'no' | 'only' | 'too';
  readonly conditions: readonly RunCondition[];
}

export interface RunOrder {
  readonly column: RunColumn;
  readonly isDescending: boolean;
}

/** A piece of SQL and the values of its parameters, in order. */
interface Sql {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

const COMPARISONS: Readonly<Record<Comparison, string>> = {
  '=': '=',
  '≠': '<>',
  '<': '<',
  '≤': '<=',
  '>': '>',
  '≥': '>=',
};

/** One row of the list, as the table has it. */
export interface ListedRow {
  readonly id: number;
  readonly name: string;
  readonly status: 'running' | 'interrupted' | 'failed' | 'done';
  readonly failure: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly seconds: number | null;
  readonly note: string;
  readonly pinned: 0 | 1;
  readonly archived: 0 | 1;
}

export function selectRunPage(
  db: ReadableDb,
  selector: RunSelector,
  { order, offset, limit }: { readonly order: readonly RunOrder[]; readonly offset: number; readonly limit: number },
): ListedRow[] {
  const where = whereOf(selector);
  const by = order.map(({ column, isDescending }) => {
    const { text, values } = valueOf(column);
    // What is missing comes last either way.
    return { text: `${text} ${isDescending ? 'DESC' : 'ASC'} NULLS LAST`, values };
  });
  const orderText = ['run.pinned DESC', ...by.map(({ text }) => text), 'run.id DESC'].join(', ');
  const sql = `SELECT run.id, run.name, run.status, run.failure, run.created_at, run.finished_at, run.seconds, run.note,
      run.pinned, run.archived
    FROM run WHERE ${where.text} ORDER BY ${orderText} LIMIT ? OFFSET ?`;
  return statement<ListedRow>(db, sql).all(...where.values, ...by.flatMap(({ values }) => values), limit, offset);
}

/** What lists are without a filter; rows of the table, which hold whole configs, are not looked at. */
export const UNARCHIVED_RUNS =
  'SELECT run.id FROM run WHERE run.archived = 0 ORDER BY run.pinned DESC, run.id DESC LIMIT 100';

export function countRuns(db: ReadableDb, selector: RunSelector): number {
  const { text, values } = whereOf(selector);
  return statement<{ n: number }>(db, `SELECT count(*) AS n FROM run WHERE ${text}`).get(...values)!.n;
}

/** The value of a column for each run that is selected; null where it has none. */
export function selectRunColumn(
  db: ReadableDb,
  selector: RunSelector,
  column: RunColumn,
): { readonly id: number; readonly value: string | number | null }[] {
  const [value, where] = [valueOf(column), whereOf(selector)];
  const sql = `SELECT run.id, ${value.text} AS value FROM run WHERE ${where.text}`;
  return statement<{ id: number; value: string | number | null }>(db, sql).all(...value.values, ...where.values);
}

/** A column of one run. */
export function selectRunCell(db: ReadableDb, id: number, column: RunColumn): string | number | null {
  const { text, values } = valueOf(column);
  const row = statement<{ value: string | number | null }>(db, `SELECT ${text} AS value FROM run WHERE run.id = ?`).get(
    ...values,
    id,
  );
  return row?.value ?? null;
}

function valueOf(column: RunColumn): Sql {
  switch (column.kind) {
    case 'fact':
      return { text: FACTS[column.name], values: [] };
    case 'config':
      return { text: CONFIG_VALUE, values: [column.name] };
    case 'figure':
      return { text: FIGURE_VALUE, values: [column.name] };
  }
}
const CONFIG_VALUE = '(SELECT value FROM run_value WHERE run_id = run.id AND key = ?)';
const FIGURE_VALUE = '(SELECT value FROM run_figure WHERE run_id = run.id AND name = ?)';

function whereOf({ search, statuses, tags, archived, conditions }: RunSelector): Sql {
  const parts: Sql[] = [
    ...(archived === 'too' ? [] : [{ text: `run.archived = ${archived === 'only' ? 1 : 0}`, values: [] }]),
    ...(search === ''
      ? []
      : [
          {
            text: "(run.name LIKE ? ESCAPE '\\' OR run.note LIKE ? ESCAPE '\\')",
            values: [like(search), like(search)],
          },
        ]),
    ...(statuses.length === 0 ? [] : [{ text: `run.status IN (${statuses.map(() => '?').join()})`, values: statuses }]),
    ...tags.map((tag) => ({
      text: 'EXISTS (SELECT 1 FROM run_tag WHERE run_id = run.id AND tag = ?)',
      values: [tag],
    })),
    ...conditions.map(conditionOf),
  ];
  return {
    text: parts.length === 0 ? 'true' : parts.map(({ text }) => text).join(' AND '),
    values: parts.flatMap(({ values }) => values),
  };
}

/** A run without the value is none that "=" or "<" holds for, and one that "≠" holds for. */
function conditionOf(condition: RunCondition): Sql {
  const { text, values } = valueOf(condition.column);
  switch (condition.operator) {
    case 'missing':
      return { text: `${text} IS NULL`, values };
    case 'present':
      return { text: `${text} IS NOT NULL`, values };
    case 'contains':
      return { text: `${text} LIKE ? ESCAPE '\\'`, values: [...values, like(condition.value)] };
    case '≠':
      return { text: `${text} IS NOT ?`, values: [...values, condition.value] };
    case '=':
    case '<':
    case '≤':
    case '>':
    case '≥':
      return comparison(condition, { text, values });
  }
}

/** SQLite orders every number before every text; numbers are compared with numbers only, and texts with texts. */
function comparison(
  { operator, value }: { readonly operator: Comparison; readonly value: string | number },
  { text, values }: Sql,
): Sql {
  const isOfKind = `(typeof(${text}) = 'text') = ${typeof value === 'string' ? 1 : 0}`;
  return { text: `(${isOfKind} AND ${text} ${COMPARISONS[operator]} ?)`, values: [...values, ...values, value] };
}

const like = (text: string): string => `%${text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;

export const VALUES_OF_KEY =
  'SELECT count(*) AS n FROM (SELECT DISTINCT value FROM run_value WHERE key = ? LIMIT 1000)';

/** Every leaf of any run's config, with how many values it has, up to a thousand. */
export function selectConfigKeys(db: ReadableDb): { readonly key: string; readonly values: number }[] {
  // One step of the index a key, rather than one a run.
  const next = statement<{ key: string | null }>(db, NEXT_KEY);
  const keys: { key: string; values: number }[] = [];
  for (let key = next.get('')!.key; key !== null; key = next.get(key)!.key) {
    keys.push({ key, values: statement<{ n: number }>(db, VALUES_OF_KEY).get(key)!.n });
  }
  return keys;
}
export const NEXT_KEY = 'SELECT min(key) AS key FROM run_value WHERE key > ?';
export const NEXT_FIGURE = 'SELECT min(name) AS name FROM run_figure WHERE name > ?';

export function selectFigureNames(db: ReadableDb): string[] {
  const next = statement<{ name: string | null }>(db, NEXT_FIGURE);
  const names: string[] = [];
  for (let name = next.get('')!.name; name !== null; name = next.get(name)!.name) names.push(name);
  return names;
}
