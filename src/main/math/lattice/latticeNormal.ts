import { philoxWords, type PhiloxKey } from '../philox.ts';
import { GUIDE_BITS, latticeTable, TOP_BITS, type LatticeTable } from './latticeTable.ts';

/** Values of one step of the Philox counter: a word each. */
const VALUES_PER_COUNTER = 4;

/**
 * Fills `out` with Gaussian noise of standard deviation σ rounded to the lattice, exact multiples of δ: one fair coin is the sign, and 95
 * more are compared with the thresholds of |J|. 31 of them nearly always decide; the other 64 are drawn where they do not, from
 * counters whose third word says for which value of the step. The assumption is that Philox's words are fair coins.
 * @param counterLow low 64 bits of the first counter, a safe integer ≥ 0; each step gives four values
 * @throws RangeError for a σ whose lattice float32 cannot hold, or a counter that is no safe integer ≥ 0
 */
export function fillLatticeNormal(
  out: Float32Array,
  { key, counterLow, sigma }: { readonly key: PhiloxKey; readonly counterLow: number; readonly sigma: number },
): void {
  const table = latticeTable(sigma);
  const words = new Uint32Array(VALUES_PER_COUNTER);
  for (let start = 0; start < out.length; start += VALUES_PER_COUNTER) {
    const counter = counterLow + start / VALUES_PER_COUNTER;
    philoxWords(words, { key, counterLow: counter, counterHigh: 0 });
    const count = Math.min(VALUES_PER_COUNTER, out.length - start);
    for (let lane = 0; lane < count; lane++) {
      const coins = words[lane] >>> 1;
      const magnitude = magnitudeOf(table, coins, () => {
        const more = new Uint32Array(VALUES_PER_COUNTER);
        philoxWords(more, { key, counterLow: counter, counterHigh: 1 + lane });
        return [more[0], more[1]];
      });
      out[start + lane] = (words[lane] & 1) === 0 ? magnitude * table.spacing : -magnitude * table.spacing;
    }
  }
}

/**
 * Fills `out`, [count, size], with the noise of so many draws, each from a counter of its own, as fillDraws fills it with standard normals.
 * @param first index of the first draw; draw i is the same whatever range asks for it
 * @throws RangeError as fillLatticeNormal
 */
export function fillLatticeDraws(
  out: Float32Array,
  {
    key,
    first,
    size,
    sigma,
  }: { readonly key: PhiloxKey; readonly first: number; readonly size: number; readonly sigma: number },
): void {
  const counters = Math.ceil(size / VALUES_PER_COUNTER);
  for (let start = 0, draw = first; start < out.length; start += size, draw++) {
    fillLatticeNormal(out.subarray(start, start + size), { key, counterLow: draw * counters, sigma });
  }
}

/** |J|: how many thresholds the 95 coins do not lie below. */
export function magnitudeOf(
  { top, middle, bottom, guide }: LatticeTable,
  coins: number,
  more: () => readonly [number, number],
): number {
  const prefix = coins >>> (TOP_BITS - GUIDE_BITS);
  // Thresholds before the guide's entry lie below the coins, those from the next entry on above.
  let least = guide[prefix];
  let most = guide[prefix + 1];
  while (least < most) {
    const half = (least + most) >>> 1;
    if (top[half] < coins) least = half + 1;
    else most = half;
  }
  if (least === top.length || top[least] !== coins) return least;
  const [coinsMiddle, coinsBottom] = more();
  while (
    least < top.length &&
    top[least] === coins &&
    (middle[least] < coinsMiddle || (middle[least] === coinsMiddle && bottom[least] <= coinsBottom))
  ) {
    least++;
  }
  return least;
}
