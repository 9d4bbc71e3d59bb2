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

/** The line of a JSON text that a parser's position is in, from 1; null where its message has none. */
export function lineOfProblem(text: string, message: string): number | null {
  const line = /line (\d+)/.exec(message)?.[1];
  if (line !== undefined) return Number(line);
  const position = /position (\d+)/.exec(message)?.[1];
  return position === undefined ? null : text.slice(0, Number(position)).split('\n').length;
}
