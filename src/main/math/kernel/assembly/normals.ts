// Standard normals of Philox's counters. Each loop has one short chain of operations, since a processor overlaps iterations only as far as its window reaches: one
// loop for all takes half as long again as five. Constants are read from memory before a loop, since V8 makes a vector that stands in the code anew at each use.

/** Bytes of a block, the words of four counters: the first words of all four, then the second, third and fourth ones, [4, 4]. */
const BLOCK: usize = 64;
const ROUNDS: i32 = 10;
const ALIGNED: i32 = 16;

/** Multipliers and steps of the key of Philox-4x32. */
const PHILOX = memory.data<u32>([0xd2511f53, 0xcd9e8d57, 0x9e3779b9, 0xbb67ae85], ALIGNED);
const COUNTERS = memory.data<u64>([0, 1, 2, 3], ALIGNED);
/** Low 23 bits, a float32's sign and exponent, its sign alone, 1. */
const BITS = memory.data<u32>([0x7fffff, 0xff800000, 0x80000000, 1], ALIGNED);
/** 2^-23, the least uniform, √½, 1, −2; 2/π, and 1.5·2^23: the last bits of a float32 sum with it are the nearest whole number. */
const SINGLES = memory.data<f32>(
  [1.1920928955078125e-7, 1e-7, 0.7071067690849304, 1, -2, 0.6366197723675814, 12582912],
  ALIGNED,
);
/** log 2, 2, and the coefficients Lg1 to Lg7 of fdlibm's logarithm: log((1 + s)/(1 − s)) = s·(2 + Lg1·s² + … + Lg7·s¹⁴), to 2^-58. */
const LOGARITHM = memory.data<f64>(
  [
    6.93147180559945309417e-1, 2, 6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1,
    2.222219843214978396e-1, 1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
  ],
  ALIGNED,
);
/** 2π/2^23, and π/2 as a sum; the first part has 33 bits, so that four of it are exact. */
const ANGLE = memory.data<f64>([7.490140565847857e-7, 1.57079632673412561417, 6.07710050650619224932e-11], ALIGNED);
/** Coefficients S1 to S6 of fdlibm's sine, up to π/4: r + S1·r³ + … + S6·r¹³. */
const SINE = memory.data<f64>(
  [
    -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6,
    -2.50507602534068634195e-8, 1.58969099521155010221e-10,
  ],
  ALIGNED,
);
/** 1, −½ and the coefficients C1 to C6 of fdlibm's cosine, up to π/4: 1 − r²/2 + C1·r⁴ + … + C6·r¹⁴. */
const COSINE = memory.data<f64>(
  [
    1, -0.5, 4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
    -2.75573143513906633035e-7, 2.0875723212981748279e-9, -1.13596475577881948265e-11,
  ],
  ALIGNED,
);

/** Random words of consecutive counters of 64 bits, by Philox-4x32-10, in an even number of blocks: one goes on while the other waits for its products. */
export function philox(to: usize, blocks: i32, counterLow: u32, counterHigh: u32, key0: u32, key1: u32): void {
  const factor0 = v128.load32_splat(PHILOX);
  const factor1 = v128.load32_splat(PHILOX, 4);
  const step0 = v128.load32_splat(PHILOX, 8);
  const step1 = v128.load32_splat(PHILOX, 12);
  const first = v128.load(COUNTERS);
  const second = v128.load(COUNTERS, 16);
  let counter = ((<u64>counterHigh) << 32) | (<u64>counterLow);
  const end = to + BLOCK * blocks;
  for (; to < end; to += 2 * BLOCK, counter += 8) {
    const aFirst = i64x2.add(i64x2.splat(counter), first);
    const aSecond = i64x2.add(i64x2.splat(counter), second);
    const bFirst = i64x2.add(i64x2.splat(counter + 4), first);
    const bSecond = i64x2.add(i64x2.splat(counter + 4), second);
    let a0 = lowWords(aFirst, aSecond);
    let a1 = highWords(aFirst, aSecond);
    let a2 = i32x4.splat(0);
    let a3 = a2;
    let b0 = lowWords(bFirst, bSecond);
    let b1 = highWords(bFirst, bSecond);
    let b2 = a2;
    let b3 = a2;
    let k0 = i32x4.splat(key0);
    let k1 = i32x4.splat(key1);
    for (let round = 0; round < ROUNDS; round++) {
      const a00 = i64x2.extmul_low_i32x4_u(a0, factor0);
      const a01 = i64x2.extmul_high_i32x4_u(a0, factor0);
      const a20 = i64x2.extmul_low_i32x4_u(a2, factor1);
      const a21 = i64x2.extmul_high_i32x4_u(a2, factor1);
      a0 = v128.xor(highWords(a20, a21), v128.xor(a1, k0));
      a1 = lowWords(a20, a21);
      a2 = v128.xor(highWords(a00, a01), v128.xor(a3, k1));
      a3 = lowWords(a00, a01);
      const b00 = i64x2.extmul_low_i32x4_u(b0, factor0);
      const b01 = i64x2.extmul_high_i32x4_u(b0, factor0);
      const b20 = i64x2.extmul_low_i32x4_u(b2, factor1);
      const b21 = i64x2.extmul_high_i32x4_u(b2, factor1);
      b0 = v128.xor(highWords(b20, b21), v128.xor(b1, k0));
      b1 = lowWords(b20, b21);
      b2 = v128.xor(highWords(b00, b01), v128.xor(b3, k1));
      b3 = lowWords(b00, b01);
      k0 = i32x4.add(k0, step0);
      k1 = i32x4.add(k1, step1);
    }
    v128.store(to, a0);
    v128.store(to, a1, 16);
    v128.store(to, a2, 32);
    v128.store(to, a3, 48);
    v128.store(to, b0, 64);
    v128.store(to, b1, 80);
    v128.store(to, b2, 96);
    v128.store(to, b3, 112);
  }
}

/** Of two pairs of 64-bit numbers. */
function lowWords(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

function highWords(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

/**
 * Float32 standard normals [4·blocks, 4], counter by counter, of blocks of random words, by TensorFlow's BoxMullerFloat: the low 23 bits over 2^23 are uniforms, the first word of two gives the
 * radius √(−2·log u), the second the angle 2π·u; sine before cosine. Logarithms, sines and cosines are doubles
 * rounded to float32, which a test compares with Math's for all 2^23 words that differ. `spare` has room for 48 float32 numbers a block.
 */
export function boxMuller(words: usize, blocks: i32, to: usize, spare: usize): void {
  const half = (BLOCK / 2) * blocks;
  const logs = spare;
  const exponents = spare + half;
  const quotients = spare + 2 * half;
  splitUniforms(words, blocks, exponents, quotients);
  takeLogs(exponents, quotients, blocks, logs);
  const quadrants = exponents;
  const remainders = quotients;
  const waves = spare + 4 * half;
  splitAngles(words, blocks, quadrants, remainders);
  takeWaves(remainders, blocks, waves);
  multiply(logs, waves, quadrants, blocks, to);
}

/** u = 2^e·(1 + f) with √½ ≤ 1 + f < √2: e as a 32-bit number, and s = f/(2 + f) as a double. */
function splitUniforms(words: usize, blocks: i32, exponents: usize, quotients: usize): void {
  const low = v128.load32_splat(BITS);
  const upper = v128.load32_splat(BITS, 4);
  const unit = v128.load32_splat(SINGLES);
  const least = v128.load32_splat(SINGLES, 4);
  const root = v128.load32_splat(SINGLES, 8);
  const one = v128.load32_splat(SINGLES, 12);
  const two = v128.load64_splat(LOGARITHM, 8);
  const end = words + BLOCK * blocks;
  for (; words < end; words += 32, exponents += 16, quotients += 32) {
    const whole = f32x4.convert_i32x4_s(v128.and(v128.load(words), low));
    const u = f32x4.pmax(f32x4.mul(whole, unit), least);
    const above = i32x4.sub(u, root);
    v128.store(exponents, i32x4.shr_s(above, 23));
    const f = f32x4.sub(i32x4.sub(u, v128.and(above, upper)), one);
    const f0 = f64x2.promote_low_f32x4(f);
    const f1 = f64x2.promote_low_f32x4(v128.shuffle<i64>(f, f, 1, 1));
    v128.store(quotients, f64x2.div(f0, f64x2.add(f0, two)));
    v128.store(quotients, f64x2.div(f1, f64x2.add(f1, two)), 16);
  }
}

/** log u, float32. */
function takeLogs(exponents: usize, quotients: usize, blocks: i32, to: usize): void {
  const logOfTwo = v128.load64_splat(LOGARITHM);
  const two = v128.load64_splat(LOGARITHM, 8);
  const l1 = v128.load64_splat(LOGARITHM, 16);
  const l2 = v128.load64_splat(LOGARITHM, 24);
  const l3 = v128.load64_splat(LOGARITHM, 32);
  const l4 = v128.load64_splat(LOGARITHM, 40);
  const l5 = v128.load64_splat(LOGARITHM, 48);
  const l6 = v128.load64_splat(LOGARITHM, 56);
  const l7 = v128.load64_splat(LOGARITHM, 64);
  const end = to + (BLOCK / 2) * blocks;
  for (; to < end; exponents += 8, quotients += 16, to += 8) {
    const e = f64x2.convert_low_i32x4_s(v128.load64_zero(exponents));
    const s = v128.load(quotients);
    const z = f64x2.mul(s, s);
    const w = f64x2.mul(z, z);
    const even = plus(w, plus(w, plus(w, l6, l4), l2), two);
    const odd = plus(w, plus(w, plus(w, l7, l5), l3), l1);
    storeSingles(to, plus(s, plus(z, odd, even), f64x2.mul(e, logOfTwo)));
  }
}

/** A float32 angle less the nearest multiple of π/2, as a double; and that multiple, in the last bits of a word. */
function splitAngles(words: usize, blocks: i32, quadrants: usize, remainders: usize): void {
  const low = v128.load32_splat(BITS);
  const turn = v128.load64_splat(ANGLE);
  const quarter = v128.load64_splat(ANGLE, 8);
  const rest = v128.load64_splat(ANGLE, 16);
  const perAngle = v128.load32_splat(SINGLES, 20);
  const rounding = v128.load32_splat(SINGLES, 24);
  const end = words + BLOCK * blocks;
  for (; words < end; words += 32) {
    for (let half: usize = 0; half < 16; half += 8, quadrants += 8, remainders += 16) {
      const whole = f64x2.convert_low_i32x4_s(v128.and(v128.load64_zero(words + half, 16), low));
      const angle = f32x4.demote_f64x2_zero(f64x2.mul(whole, turn));
      const rounded = f32x4.add(f32x4.mul(angle, perAngle), rounding);
      v128.store64_lane(quadrants, rounded, 0);
      const n = f64x2.promote_low_f32x4(f32x4.sub(rounded, rounding));
      const near = f64x2.sub(f64x2.promote_low_f32x4(angle), f64x2.mul(n, quarter));
      v128.store(remainders, f64x2.sub(near, f64x2.mul(n, rest)));
    }
  }
}

/** Two sines and two cosines in turns, float32. */
function takeWaves(remainders: usize, blocks: i32, to: usize): void {
  const s1 = v128.load64_splat(SINE);
  const s2 = v128.load64_splat(SINE, 8);
  const s3 = v128.load64_splat(SINE, 16);
  const s4 = v128.load64_splat(SINE, 24);
  const s5 = v128.load64_splat(SINE, 32);
  const s6 = v128.load64_splat(SINE, 40);
  const one = v128.load64_splat(COSINE);
  const minusHalf = v128.load64_splat(COSINE, 8);
  const c1 = v128.load64_splat(COSINE, 16);
  const c2 = v128.load64_splat(COSINE, 24);
  const c3 = v128.load64_splat(COSINE, 32);
  const c4 = v128.load64_splat(COSINE, 40);
  const c5 = v128.load64_splat(COSINE, 48);
  const c6 = v128.load64_splat(COSINE, 56);
  const end = to + BLOCK * blocks;
  for (; to < end; remainders += 16, to += 16) {
    const r = v128.load(remainders);
    const z = f64x2.mul(r, r);
    const w = f64x2.mul(z, z);
    const ofSine = plus(w, plus(w, plus(z, s6, s5), plus(z, s4, s3)), plus(z, s2, s1));
    storeSingles(to, plus(f64x2.mul(z, r), ofSine, r));
    const ofCosine = plus(w, plus(w, plus(z, c6, c5), plus(z, c4, c3)), plus(z, c2, c1));
    storeSingles(to + 8, plus(w, ofCosine, plus(z, minusHalf, one)));
  }
}

/** Radius times sine and cosine; in odd quadrants these change places, in the third and fourth the sine is negative, in the second and third the cosine. */
function multiply(logs: usize, waves: usize, quadrants: usize, blocks: i32, to: usize): void {
  const minusTwo = v128.load32_splat(SINGLES, 16);
  const sign = v128.load32_splat(BITS, 8);
  const one = v128.load32_splat(BITS, 12);
  const end = to + BLOCK * blocks;
  for (; to < end; to += BLOCK) {
    for (let pair: usize = 0; pair < 16; pair += 8, logs += 16, waves += 32, quadrants += 16) {
      const radius = f32x4.sqrt(f32x4.mul(v128.load(logs), minusTwo));
      const first = v128.load(waves);
      const second = v128.load(waves, 16);
      const wave = v128.shuffle<i64>(first, second, 0, 2);
      const other = v128.shuffle<i64>(first, second, 1, 3);
      const n = v128.load(quadrants);
      const changed = v128.and(v128.xor(wave, other), i32x4.shr_s(i32x4.shl(n, 31), 31));
      const ofSine = v128.and(i32x4.shl(n, 30), sign);
      const ofCosine = v128.and(i32x4.shl(i32x4.add(n, one), 30), sign);
      const sine = f32x4.mul(radius, v128.xor(v128.xor(wave, changed), ofSine));
      const cosine = f32x4.mul(radius, v128.xor(v128.xor(other, changed), ofCosine));
      const front = v128.shuffle<i32>(sine, cosine, 0, 4, 1, 5);
      const back = v128.shuffle<i32>(sine, cosine, 2, 6, 3, 7);
      v128.store64_lane(to + pair, front, 0);
      v128.store64_lane(to + pair, front, 1, 16);
      v128.store64_lane(to + pair, back, 0, 32);
      v128.store64_lane(to + pair, back, 1, 48);
    }
  }
}

/** a·b + c, each rounded. */
function plus(a: v128, b: v128, c: v128): v128 {
  return f64x2.add(f64x2.mul(a, b), c);
}

/** Two doubles as float32. */
function storeSingles(to: usize, pair: v128): void {
  v128.store64_lane(to, f32x4.demote_f64x2_zero(pair), 0);
}
