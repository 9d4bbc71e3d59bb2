// Memory is a stack: what is reserved stays until everything from it on is released.

export const WORD: usize = 4;
export const DOUBLE: usize = 8;
export const PAIR: usize = 16;

const PAGE: usize = 65536;

let top: usize = __heap_base;

export function bytes(values: i32): usize {
  return <usize>values * DOUBLE;
}

/** The address of so many bytes that are the caller's; they hold what was there before. Memory may grow, which ends all views of it. */
export function reserve(size: usize): usize {
  const from = top;
  top = (top + size + PAIR - 1) & ~(PAIR - 1);
  const missing = <isize>top - <isize>(<usize>memory.size() * PAGE);
  if (missing > 0 && memory.grow(<i32>((<usize>missing + PAGE - 1) / PAGE)) < 0) unreachable();
  return from;
}

/** Gives back everything that was reserved from an address on. */
export function release(from: usize): void {
  top = from;
}
