/** A place in a config: keys of objects and positions in lists. */
export type Path = readonly (string | number)[];

export function valueAtPath(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[part] : undefined),
    root,
  );
}

/** A copy with another value at a path; undefined takes the key away. Objects on the way are made where they are missing. */
export function withValue(root: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (Array.isArray(root) && typeof first === 'number') {
    return root.map((item: unknown, i) =>
      i === first ? (rest.length === 0 ? value : withValue(item, rest, value)) : item,
    );
  }
  const before = typeof root === 'object' && root !== null ? (root as Record<string, unknown>) : {};
  const next = rest.length === 0 ? value : withValue(before[first], rest, value);
  if (next !== undefined) return { ...before, [first]: next };
  return Object.fromEntries(Object.entries(before).filter(([key]) => key !== String(first)));
}

/** Every leaf by its path, as "heads.0.layers". */
export function leavesOf(value: unknown, prefix = ''): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      for (const [path, leaf] of leavesOf(inner, prefix === '' ? key : `${prefix}.${key}`)) leaves.set(path, leaf);
    }
  } else leaves.set(prefix, value);
  return leaves;
}

export interface Difference {
  readonly path: string;
  readonly mine: unknown;
  readonly other: unknown;
}

/** Leaves that two configs do not have alike. */
export function differencesOf(mine: unknown, other: unknown): Difference[] {
  const [a, b] = [leavesOf(mine), leavesOf(other)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((path) => ({ path, mine: a.get(path), other: b.get(path) }))
    .filter(({ mine: one, other: two }) => JSON.stringify(one) !== JSON.stringify(two));
}

/** The line of a JSON text that a parser's position is in, from 1; null where its message has none. */
export function lineOfProblem(text: string, message: string): number | null {
  const line = /line (\d+)/.exec(message)?.[1];
  if (line !== undefined) return Number(line);
  const position = /position (\d+)/.exec(message)?.[1];
  return position === undefined ? null : text.slice(0, Number(position)).split('\n').length;
}
