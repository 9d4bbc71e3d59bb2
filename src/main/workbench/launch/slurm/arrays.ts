import type { Task } from '../planTasks.ts';

/** Tasks that are sent as one job array: of one kind, since kinds ask for other resources, and waiting for the same ones. */
export interface TaskArray {
  readonly kind: Task['kind'];
  readonly tasks: readonly Task[];
  /** Ids of the tasks that all of these wait for. */
  readonly after: readonly string[];
}

/**
 * Arrays of at most `largest` tasks, each after those it waits for.
 * @param tasks each after those it needs
 * @param isOpen whether a task that is needed is still to end
 */
export function arraysOf(
  tasks: readonly Task[],
  { largest, isOpen }: { readonly largest: number; readonly isOpen: (task: string) => boolean },
): TaskArray[] {
  const alike = Map.groupBy(tasks, ({ kind, needs }) => JSON.stringify([kind, needs.filter(isOpen).sort()]));
  return [...alike.values()].flatMap((group) => {
    const [{ kind, needs }] = group;
    const after = needs.filter(isOpen);
    return chunks(group, largest).map((part) => ({ kind, tasks: part, after }));
  });
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const parts = Math.max(1, Math.ceil(list.length / size));
  return Array.from({ length: parts }, (_, i) =>
    list.slice(parts === 1 ? 0 : i * size, parts === 1 ? list.length : (i + 1) * size),
  );
}

/** As many arrays from the front as there is room for; the last may be cut. */
export function within(arrays: readonly TaskArray[], room: number): TaskArray[] {
  let left = room;
  return arrays.flatMap((array) => {
    const tasks = array.tasks.slice(0, Math.max(0, left));
    left -= array.tasks.length;
    return tasks.length === 0 ? [] : [{ ...array, tasks }];
  });
}
