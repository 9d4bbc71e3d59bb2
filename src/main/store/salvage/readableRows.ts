import { statement, type ReadableDb } from '../database.ts';

export type Row = Readonly<Record<string, unknown>>;

/** More of them than a damaged page can hold are not tried one by one. */
const MOST_PROBES = 100_000;

/**
 * Rows of a table as far as its pages can be read: from both ends up to what is damaged, and in a table with row numbers one by one
 * between. A row that cannot be read is passed over.
 */
export function readableRows(db: ReadableDb, table: string): Row[] {
  const order = orderOf(db, table);
  const forwards = untilDamage(db, `SELECT ${order.columns} FROM "${table}" ORDER BY ${order.ascending}`);
  if (forwards.isWhole) return forwards.rows;
  const backwards = untilDamage(db, `SELECT ${order.columns} FROM "${table}" ORDER BY ${order.descending}`);
  const rows = [...forwards.rows, ...between(db, { table, order, before: forwards.rows, after: backwards.rows })];
  return [...unique(rows, backwards.rows.toReversed(), order)];
}

interface Order {
  /** Of a row; "rowid" under a name of ours where the table has one. */
  readonly columns: string;
  readonly ascending: string;
  readonly descending: string;
  readonly isByNumber: boolean;
}

const NUMBER = '$rowid';

function orderOf(db: ReadableDb, table: string): Order {
  try {
    db.prepare(`SELECT rowid FROM "${table}" LIMIT 0`);
    const columns = `rowid AS "${NUMBER}", *`;
    return { columns, ascending: 'rowid', descending: 'rowid DESC', isByNumber: true };
  } catch {
    // WITHOUT ROWID: the table is its primary key's tree.
    const sql = 'SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk';
    const keys = statement<{ name: string }>(db, sql)
      .all(table)
      .map(({ name }) => `"${name}"`);
    const descending = keys.map((key) => `${key} DESC`).join(', ');
    return { columns: '*', ascending: keys.join(', '), descending, isByNumber: false };
  }
}

function untilDamage(db: ReadableDb, sql: string): { readonly rows: Row[]; readonly isWhole: boolean } {
  const rows: Row[] = [];
  try {
    for (const row of db.prepare<[], Row>(sql).iterate()) rows.push(row);
    return { rows, isWhole: true };
  } catch {
    return { rows, isWhole: false };
  }
}

interface Gap {
  readonly table: string;
  readonly order: Order;
  readonly before: readonly Row[];
  /** Descending. */
  readonly after: readonly Row[];
}

function between(db: ReadableDb, { table, order, before, after }: Gap): Row[] {
  const last = before.at(-1)?.[NUMBER] ?? 0;
  const next = after.at(-1)?.[NUMBER];
  if (!order.isByNumber || typeof last !== 'number' || typeof next !== 'number') return [];
  const probe = db.prepare<[number], Row>(`SELECT ${order.columns} FROM "${table}" WHERE rowid = ?`);
  const found: Row[] = [];
  for (let id = last + 1; id < Math.min(next, last + MOST_PROBES); id++) {
    try {
      const row = probe.get(id);
      if (row !== undefined) found.push(row);
    } catch {
      // On a page that cannot be read.
    }
  }
  return found;
}

/** Where both ends read the same rows, each once. */
function* unique(forwards: readonly Row[], backwards: readonly Row[], order: Order): Generator<Row> {
  const nameOf = (row: Row): string => String(order.isByNumber ? row[NUMBER] : JSON.stringify(row));
  const seen = new Set<string>();
  for (const row of [...forwards, ...backwards]) {
    if (seen.has(nameOf(row))) continue;
    seen.add(nameOf(row));
    yield row;
  }
}

export function withoutNumber({ [NUMBER]: _number, ...row }: Row): Row {
  return row;
}
