/** Named float32 arrays on the host: what a weights file holds. No tensors here, so the host may import it too. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type NamedArrays = Readonly<Record<string, NamedArray>>;

export function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** The entries under a prefix, without it; and the inverse. */
export function withoutPrefix<T>(record: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
export function withPrefix<T>(record: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));
}
