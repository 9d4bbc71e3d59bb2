/** A task as the simulation sees it: how long it takes, and what it waits for. */
export interface TimedTask {
  readonly id: string;
  readonly kind: string;
  readonly seconds: number;
  readonly needs: readonly string[];
}

export interface Simulated {
  /** Seconds until the last task has ended. */
  readonly makespan: number;
  /** Share of the workers' time until then that they did nothing. */
  readonly idle: number;
  /** Seconds of the longest chain of tasks that wait for each other: no number of workers is faster. */
  readonly longestChain: number;
  /** Tasks of the chain, in their order. */
  readonly chain: readonly string[];
}

/**
 * Workers take the first task in the list that can begin, as a scheduler does with jobs of one priority; tasks are not interrupted, and
 * starting one costs what is in its seconds.
 * @param tasks each after those it needs
 */
export function simulate(tasks: readonly TimedTask[], workers: number): Simulated {
  const ends = new Map<string, number>();
  const open = [...tasks];
  const free = Array<number>(workers).fill(0);
  let now = 0;
  while (open.length > 0) {
    const next = open.findIndex(({ needs }) => needs.every((need) => (ends.get(need) ?? Infinity) <= now));
    const worker = free.findIndex((until) => until <= now);
    if (next === -1 || worker === -1) {
      now = Math.min(...[...ends.values(), ...free].filter((time) => time > now));
      continue;
    }
    const [task] = open.splice(next, 1);
    free[worker] = now + task.seconds;
    ends.set(task.id, now + task.seconds);
  }
  const makespan = Math.max(...ends.values());
  const busy = tasks.reduce((sum, { seconds }) => sum + seconds, 0);
  return { makespan, idle: 1 - busy / (makespan * workers), ...longestChain(tasks) };
}

function longestChain(tasks: readonly TimedTask[]): Pick<Simulated, 'longestChain' | 'chain'> {
  const found = new Map<string, { readonly seconds: number; readonly chain: readonly string[] }>();
  for (const { id, seconds, needs } of tasks) {
    const before = needs
      .map((need) => found.get(need)!)
      .reduce((longest, one) => (one.seconds > longest.seconds ? one : longest), {
        seconds: 0,
        chain: [] as readonly string[],
      });
    found.set(id, { seconds: before.seconds + seconds, chain: [...before.chain, id] });
  }
  const longest = [...found.values()].reduce((most, one) => (one.seconds > most.seconds ? one : most));
  return { longestChain: longest.seconds, chain: longest.chain };
}
