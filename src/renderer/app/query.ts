import { computed, type WritableComputedRef } from 'vue';
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router';

/** How a part of a view's state is written in the address. Undefined leaves it out, which is its default. */
export interface QueryCodec<T> {
  readonly read: (text: string | undefined) => T;
  readonly write: (value: T) => string | undefined;
}

export const queryText = (fallback = ''): QueryCodec<string> => ({
  read: (text) => text ?? fallback,
  write: (value) => (value === fallback ? undefined : value),
});

export const queryOneOf = <const T extends string>(allowed: readonly T[], fallback: NoInfer<T>): QueryCodec<T> => ({
  read: (text) => allowed.find((one) => one === text) ?? fallback,
  write: (value) => (value === fallback ? undefined : value),
});

/** Null where the address has none of the allowed. */
export const queryMaybe = <const T extends string>(allowed: readonly T[]): QueryCodec<T | null> => ({
  read: (text) => allowed.find((one) => one === text) ?? null,
  write: (value) => value ?? undefined,
});

export const queryNumber = (fallback: number): QueryCodec<number> => ({
  read: (text) => (text === undefined || text === '' || !Number.isFinite(Number(text)) ? fallback : Number(text)),
  write: (value) => (value === fallback ? undefined : String(value)),
});

export const queryFlag = (fallback = false): QueryCodec<boolean> => ({
  read: (text) => (text === undefined ? fallback : text === '1'),
  write: (value) => (value === fallback ? undefined : value ? '1' : '0'),
});

/** Items must have no comma in them. */
export const queryList = (fallback: readonly string[] = []): QueryCodec<readonly string[]> => ({
  read: (text) => (text === undefined ? fallback : text === '' ? [] : text.split(',')),
  write: (value) => (value.join() === fallback.join() ? undefined : value.join()),
});

/** Anything that JSON holds; what does not pass `accept` is the fallback. */
export const queryJson = <T>(fallback: T, accept: (value: unknown) => value is T): QueryCodec<T> => ({
  read(text) {
    if (text === undefined) return fallback;
    try {
      const value: unknown = JSON.parse(text);
      return accept(value) ? value : fallback;
    } catch {
      return fallback;
    }
  },
  write: (value) => (JSON.stringify(value) === JSON.stringify(fallback) ? undefined : JSON.stringify(value)),
});

/** Changes made in one go are one change of the address. */
let pending: LocationQueryRaw | null = null;

/**
 * A part of the view's state that lives in the address, so that a reload and a link restore it.
 * @param options.push true where Back should undo the change
 */
export function useQuery<T>(
  key: string,
  codec: QueryCodec<T>,
  options: { readonly push?: boolean } = {},
): WritableComputedRef<T> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get() {
      const value = route.query[key];
      return codec.read((Array.isArray(value) ? value[0] : value) ?? undefined);
    },
    set(value) {
      const written = codec.write(value);
      if (pending === null) {
        pending = { ...route.query };
        queueMicrotask(() => {
          const query = pending!;
          pending = null;
          void (options.push === true ? router.push({ query }) : router.replace({ query }));
        });
      }
      if (written === undefined) Reflect.deleteProperty(pending, key);
      else pending[key] = written;
    },
  });
}
