import { onScopeDispose, ref, shallowRef, triggerRef, watch, type Ref, type ShallowRef } from 'vue';
import { CallFailed } from '../../shared/api/errors.ts';

const PAGE = 100;

export interface Pages<Row, Extra> {
  readonly total: Ref<number | null>;
  readonly error: ShallowRef<CallFailed | null>;
  /** Of the last answer. */
  readonly extra: ShallowRef<Extra | null>;
  /** Undefined while it is on its way. */
  readonly rowAt: (index: number) => Row | undefined;
  /** Asks for what is in sight and not there yet. */
  readonly see: (first: number, last: number) => void;
  readonly refresh: () => void;
}

/** Rows that are asked for as they come into sight. What was there stays until the answer to a changed question comes. */
export function usePages<Row, Extra>(
  question: () => string,
  fetch: (
    offset: number,
    limit: number,
  ) => Promise<{ readonly total: number; readonly rows: readonly Row[]; readonly extra: Extra }>,
): Pages<Row, Extra> {
  const total = ref<number | null>(null);
  const error = shallowRef<CallFailed | null>(null);
  const extra = shallowRef<Extra | null>(null) as ShallowRef<Extra | null>;
  const pages = shallowRef(new Map<number, readonly Row[]>());
  let asked = new Set<number>();
  let generation = 0;
  let sight: readonly [number, number] = [0, 0];

  async function load(page: number): Promise<void> {
    const mine = generation;
    asked.add(page);
    try {
      const answer = await fetch(page * PAGE, PAGE);
      if (mine !== generation) return;
      if (isStale) {
        pages.value = new Map();
        isStale = false;
      }
      total.value = answer.total;
      extra.value = answer.extra;
      error.value = null;
      pages.value.set(page, answer.rows);
      triggerRef(pages);
    } catch (cause) {
      if (mine !== generation) return;
      asked.delete(page);
      error.value = cause instanceof CallFailed ? cause : new CallFailed({ code: 'internal', message: String(cause) });
    }
  }

  /** What is shown answers an earlier question. */
  let isStale = false;
  function refresh(): void {
    generation += 1;
    isStale = true;
    asked = new Set();
    see(...sight);
  }

  function see(first: number, last: number): void {
    sight = [first, last];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last) / PAGE); page++) {
      if (!asked.has(page)) void load(page);
    }
  }

  watch(question, () => {
    sight = [0, PAGE - 1];
    refresh();
  });
  see(0, PAGE - 1);
  onScopeDispose(() => generation++);
  const rowAt = (index: number): Row | undefined => pages.value.get(Math.floor(index / PAGE))?.[index % PAGE];
  return { total, error, extra, rowAt, see, refresh };
}
