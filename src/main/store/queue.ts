import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import {
  deleteQueueEntry,
  insertQueueEntry,
  selectQueuedFor,
  selectQueueEntries,
  updateQueueOrder,
  type QueuedWork,
  type QueueEntry,
} from './tables/queueEntry.ts';
import { insertLogLine, selectLogLines, type LogLine } from './tables/runLog.ts';

export type { LogLine, QueuedWork, QueueEntry };

/** What waits to be worked off, and what runs logged while they were. */
export interface QueueStore {
  /** At the end, or before all others. A run or study that waits already keeps its one entry. */
  add(work: QueuedWork & { readonly name: string }, place?: 'first' | 'last'): QueueEntry;
  /** In the order in which they come. */
  list(): QueueEntry[];
  /** @throws StoreError 'not-found' for an entry that is no longer there; so for the next one */
  remove(id: number): void;
  /** Puts the entry before another one, or at the end (null). */
  move(id: number, before: number | null): void;
  log(runId: number, line: Pick<LogLine, 'level' | 'text'>): LogLine;
  /** The last lines, or the last before one, oldest first. */
  logOf(runId: number, page: { readonly before: number | null; readonly limit: number }): LogLine[];
}

export function openQueueStore(db: ReadableDb, now: () => Date): QueueStore {
  return {
    add(work, place = 'last') {
      const target = asWritable(db);
      return inTransaction(target, () => {
        const there = work.kind === 'run' ? null : selectQueuedFor(target, work);
        if (there !== null) return there;
        const id = insertQueueEntry(target, { ...work, createdAt: now().toISOString(), isFirst: place === 'first' });
        return selectQueueEntries(target).find((entry) => entry.id === id)!;
      });
    },
    list: () => selectQueueEntries(db),
    remove(id) {
      if (!deleteQueueEntry(asWritable(db), id)) throw absent(id);
    },
    move(id, before) {
      const target = asWritable(db);
      inTransaction(target, () => {
        const ids = selectQueueEntries(target).map((entry) => entry.id);
        for (const wanted of [id, ...(before === null ? [] : [before])])
          if (!ids.includes(wanted)) throw absent(wanted);
        const others = ids.filter((one) => one !== id);
        // Before itself is where it is.
        const at = before === null ? others.length : before === id ? ids.indexOf(id) : others.indexOf(before);
        updateQueueOrder(target, others.toSpliced(at, 0, id));
      });
    },
    log(runId, { level, text }) {
      const at = now().toISOString();
      return { id: insertLogLine(asWritable(db), runId, { at, level, text }), at, level, text };
    },
    logOf: (runId, { before, limit }) =>
      selectLogLines(db, runId, { before: before ?? Number.MAX_SAFE_INTEGER, limit }),
  };
}

const absent = (id: number): StoreError =>
  new StoreError('not-found', `queue: entry ${id} is no longer there; it was taken up or removed`);
