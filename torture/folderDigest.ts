import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { DATABASE_NAME } from '../src/main/store/store.ts';

/** SHA-256 of every row of every table, and of every other file below the folder with its name. */
export function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const db = new Database(path.join(folder, DATABASE_NAME), { readonly: true });
  try {
    const tables = db
      .prepare<[], { name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name",
      )
      .all();
    for (const { name, sql } of tables) {
      hash.update(`${name}\n${sql}\n`);
      const rows = db.prepare(`SELECT * FROM "${name}"`).raw().all() as unknown[][];
      const texts = rows.map((row) =>
        JSON.stringify(row.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('base64') : cell))),
      );
      for (const text of texts.sort()) hash.update(`${text}\n`);
    }
  } finally {
    db.close();
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(folder, name);
    if (name.startsWith(DATABASE_NAME) || !statSync(file).isFile()) continue;
    hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
