/** Binomial tails in integers, so that a test of a rounded bound has nothing to forgive. */

/** numerator / 2^bits */
export interface Dyadic {
  readonly numerator: bigint;
  readonly bits: number;
}

/** A finite double ≥ 0 as it is. */
export function exactly(value: number): Dyadic {
  let bits = 0;
  for (; !Number.isInteger(value); bits++) value *= 2;
  return { numerator: BigInt(value), bits };
}

/** P(Bin(trials, p) ≥ count), for p in [0, 1]. */
export function binomialUpperTail(count: number, trials: number, p: Dyadic): Dyadic {
  const q = (1n << BigInt(p.bits)) - p.numerator;
  const powersOfQ = [1n];
  for (let i = 1; i <= trials; i++) powersOfQ.push(powersOfQ[i - 1] * q);
  let numerator = 0n;
  let choose = 1n;
  let powerOfP = 1n;
  for (let i = 0; i <= trials; i++) {
    if (i >= count) numerator += choose * powerOfP * powersOfQ[trials - i];
    choose = (choose * BigInt(trials - i)) / BigInt(i + 1);
    powerOfP *= p.numerator;
  }
  return { numerator, bits: p.bits * trials };
}

/** P(Bin(trials, p) < count) */
export function binomialLowerTail(count: number, trials: number, p: Dyadic): Dyadic {
  const upper = binomialUpperTail(count, trials, p);
  return { ...upper, numerator: (1n << BigInt(upper.bits)) - upper.numerator };
}

export function isAtMost(a: Dyadic, b: Dyadic): boolean {
  return a.numerator << BigInt(b.bits) <= b.numerator << BigInt(a.bits);
}

/** The nearest multiple of 2^-100 below, as a double. */
export function toNumber({ numerator, bits }: Dyadic): number {
  return Number((numerator << 100n) >> BigInt(bits)) / 2 ** 100;
}
