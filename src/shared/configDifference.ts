/** Every leaf of a config by its path, as "heads.0.layers"; an empty list or object is a leaf of its own. */
export function leavesOf(value: unknown, prefix = ''): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return value === undefined ? leaves : leaves.set(prefix, value);
  for (const [key, inner] of entries) {
    for (const [path, leaf] of leavesOf(inner, prefix === '' ? key : `${prefix}.${key}`)) leaves.set(path, leaf);
  }
  return leaves;
}

/** A leaf that two configs do not have alike; undefined where one has none. */
export interface ConfigDifference {
  readonly path: string;
  readonly mine: unknown;
  readonly other: unknown;
}

/** In the order of the first config, then what only the second has. */
export function differencesOf(mine: unknown, other: unknown): ConfigDifference[] {
  const [a, b] = [leavesOf(mine), leavesOf(other)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((path) => ({ path, mine: a.get(path), other: b.get(path) }))
    .filter(({ mine: one, other: two }) => JSON.stringify(one) !== JSON.stringify(two));
}
