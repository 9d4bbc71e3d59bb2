import { WORD } from './memory';

const RADIX: i32 = 256;
/** Radix digits of 32 bits. */
const DIGITS: i32 = 4;

/**
 * Sorts float32 values ascending, −0 before 0 and every NaN last, by the digits of their bits, made to ascend: a negative number with all
 * bits flipped, any other with the sign's. `spare` has room for as many values, `counts` for DIGITS · RADIX 32-bit numbers. In place.
 */
export function sortFloats(values: usize, count: i32, spare: usize, counts: usize): void {
  memory.fill(counts, 0, WORD * DIGITS * RADIX);
  const end = values + WORD * count;
  for (let at = values; at < end; at += WORD) {
    const bits = load<u32>(at);
    const isNaN = (bits & 0x7fffffff) > 0x7f800000;
    const key = isNaN ? 0xffffffff : bits ^ ((<u32>((<i32>bits) >> 31)) | 0x80000000);
    store<u32>(at, key);
    for (let digit = 0; digit < DIGITS; digit++) {
      const place = counts + WORD * (RADIX * digit + ((key >> (8 * digit)) & 0xff));
      store<u32>(place, load<u32>(place) + 1);
    }
  }
  let from = values;
  let to = spare;
  for (let digit = 0; digit < DIGITS; digit++) {
    const places = counts + WORD * RADIX * digit;
    // All have the same digit: nothing moves.
    if (load<u32>(places + WORD * ((load<u32>(from) >> (8 * digit)) & 0xff)) === count) continue;
    let before: u32 = 0;
    for (let place = places; place < places + WORD * RADIX; place += WORD) {
      const those = load<u32>(place);
      store<u32>(place, before);
      before += those;
    }
    const last = from + WORD * count;
    for (let at = from; at < last; at += WORD) {
      const key = load<u32>(at);
      const place = places + WORD * ((key >> (8 * digit)) & 0xff);
      const position = load<u32>(place);
      store<u32>(place, position + 1);
      store<u32>(to + WORD * position, key);
    }
    const done = to;
    to = from;
    from = done;
  }
  for (let i: usize = 0; i < WORD * count; i += WORD) {
    const key = load<u32>(from + i);
    store<u32>(values + i, key === 0xffffffff ? 0x7fc00000 : key ^ (key >> 31 ? 0x80000000 : 0xffffffff));
  }
}
