import { shallowRef, triggerRef } from 'vue';
import { ask } from '../app/api.ts';
import type { Domain } from '../../shared/config.ts';

export interface Thumbnail {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const AT_ONCE = 200;

/** Test images as they come into sight, asked for together and kept. */
export function useThumbnails(of: () => { readonly run: number; readonly domain: Domain }) {
  const known = shallowRef(new Map<string, Thumbnail>());
  const error = shallowRef<string | null>(null);
  const asked = new Set<string>();
  let wanted: number[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keyOf = (index: number): string => `${of().run} ${of().domain} ${index}`;

  async function load(): Promise<void> {
    const indices = [...new Set(wanted)].filter((index) => !asked.has(keyOf(index))).slice(-AT_ONCE);
    wanted = [];
    if (indices.length === 0) return;
    const { run, domain } = of();
    for (const index of indices) asked.add(keyOf(index));
    try {
      const { pixels, ...shape } = await ask('certificates.images', { run, domain, indices });
      const size = shape.height * shape.width * shape.channels;
      indices.forEach((index, i) => {
        known.value.set(`${run} ${domain} ${index}`, { ...shape, pixels: pixels.subarray(i * size, (i + 1) * size) });
      });
      triggerRef(known);
    } catch (cause) {
      error.value = cause instanceof Error ? cause.message : String(cause);
    }
  }

  return {
    error,
    imageOf: (index: number): Thumbnail | undefined => known.value.get(keyOf(index)),
    want(indices: readonly number[]): void {
      wanted.push(...indices);
      clearTimeout(timer);
      timer = setTimeout(() => void load(), 30);
    },
  };
}
