import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend, type BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource, standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import {
  isAttacked,
  rowsPerImage,
  type AttackedTraining,
} from '../../../src/main/engine/training/effectiveTraining.ts';
import {
  attackedInputs,
  logOddsAgainstMean,
  normalsPerImage,
} from '../../../src/main/engine/training/trainingAttack.ts';
import { normals } from '../../math/heads.ts';
import { attackByHand, PrototypeModel } from './prototypeModel.ts';
import { trainingOf } from './trainingOf.ts';

const [SIDE, SIZE, K, N] = [4, 16, 3, 5] as const;
const LABELS = Int32Array.of(0, 2, 1, 1, 0);
const model = new PrototypeModel(SIZE, K);
/** Farther from zero than from each other by far: a ball around zero would be another one. */
const images = normals(N * SIZE, 'attacked images').map((v) => v + 3);
const KEY = [11, 7] as const;

function attackOf(...[settings]: Parameters<typeof trainingOf>): AttackedTraining {
  const effective = trainingOf(settings);
  if (!isAttacked(effective)) throw new Error('the case is of a procedure without an attack');
  return effective;
}

interface Attacked {
  /** [N][m][size] */
  readonly rows: Float32Array[][];
  /** η, [N][m][size]: zeros where there is no noise. */
  readonly noise: Float64Array[][];
  /** δ that the attack starts from, [N][size] */
  readonly starts: Float64Array[];
}

function attacked(settings: AttackedTraining, images_ = images, first = 0): Attacked {
  const count = images_.length / SIZE;
  const width = normalsPerImage(settings, SIZE);
  const m = rowsPerImage(settings);
  const { rows, draws } = tf.tidy(() => {
    const source = noiseSource({ key: KEY, first, size: width });
    const batch = {
      images: tf.tensor4d(images_, [count, SIDE, SIDE, 1]),
      labels: oneHotLabels(LABELS.subarray(first, first + count), K),
    };
    const logits = (x: tf.Tensor4D): tf.Tensor2D => model.logits(x);
    return {
      rows: attackedInputs(batch, { settings, source, logits }).dataSync<'float32'>().slice(),
      draws: standardNormal(source, [count, width]).dataSync<'float32'>().slice(),
    };
  });
  const sigma = settings.procedure === 'adv-s' ? settings.sigma : 0;
  const each = <T>(of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));
  const eachDraw = <T>(of: (d: number) => T): T[] => Array.from({ length: m }, (_, d) => of(d));
  return {
    rows: each((i) => eachDraw((d) => rows.slice((i * m + d) * SIZE, (i * m + d + 1) * SIZE))),
    // η_d of an image are its normals behind the SIZE + 2 of the start.
    noise: each((i) =>
      eachDraw((d) =>
        Float64Array.from({ length: SIZE }, (_, j) =>
          sigma === 0 ? 0 : Math.fround(sigma) * draws[i * width + (d + 1) * SIZE + 2 + j],
        ),
      ),
    ),
    starts: each((i) => {
      const normal = Float64Array.from(draws.subarray(i * width, i * width + SIZE + 2));
      const length = Math.hypot(...normal);
      return normal.subarray(0, SIZE).map((v) => (v / length) * settings.epsilon);
    }),
  };
}

const cleanOf = (i: number): Float64Array => Float64Array.from(images.subarray(i * SIZE, (i + 1) * SIZE));

/** x' − x of each image, once for each of its rows. */
const deltasOf = ({ rows, noise }: Attacked): Float64Array[][] =>
  rows.map((draws, i) => draws.map((row, d) => cleanOf(i).map((v, j) => row[j] - noise[i][d][j] - v)));

const CASES = [
  { procedure: 'adv' },
  { procedure: 'adv-d' },
  { procedure: 'adv-s', noiseDraws: 1, sigma: 0.3 },
  { procedure: 'adv-s', noiseDraws: 3, sigma: 0.3 },
] as const;

/** Inputs are around 5: adding δ and η to one, and taking them off again, rounds by this much a coordinate. */
const ROUNDING = 4 * 8 * 2 ** -24;
/** Of a row of SIZE coordinates. */
const ROW_ROUNDING = Math.sqrt(SIZE) * ROUNDING;

/** The attack of every procedure that has one, on a model whose gradients are known. */
export function describeTrainingAttack(backend: BackendName | undefined): void {
  beforeAll(async () => {
    await openBackend(backend);
  });

  describe.each(CASES)('the attack of %o', (procedure) => {
    it.each([0.01, 0.5, 2])(
      'stays in the ball of radius %d around the clean input, and goes to its edge',
      (epsilon) => {
        const found = deltasOf(attacked(attackOf({ ...procedure, epsilon })));
        for (const delta of found.flat()) {
          const norm = Math.hypot(...delta);
          expect(norm).toBeLessThanOrEqual(epsilon * (1 + SIZE * 2 ** -23) + ROW_ROUNDING);
          expect(norm).toBeGreaterThan(0.9 * epsilon - ROW_ROUNDING);
        }
      },
    );

    it('adds one perturbation to all draws of an input', () => {
      for (const [first, ...others] of deltasOf(attacked(attackOf({ ...procedure, epsilon: 0.5 })))) {
        for (const other of others) other.forEach((v, j) => expect(Math.abs(v - first[j])).toBeLessThan(ROUNDING));
      }
    });

    it.each([1, 2, 7])('is the one by hand in float64 after %i steps', (attackSteps) => {
      const settings = attackOf({ ...procedure, epsilon: 0.5, attackSteps, relativeStep: 0.3 });
      const result = attacked(settings);
      deltasOf(result).forEach((draws, i) => {
        const byHand = attackByHand(model, {
          clean: cleanOf(i),
          label: LABELS[i],
          noise: result.noise[i],
          start: result.starts[i],
          epsilon: 0.5,
          steps: attackSteps,
          stepLength: 0.15,
        });
        // A step rounds its direction by about SIZE·ε of its length, and the next one is taken from there.
        const tolerance = ROUNDING + attackSteps * 4 * SIZE * 2 ** -24;
        for (const delta of draws) delta.forEach((v, j) => expect(Math.abs(v - byHand[j])).toBeLessThan(tolerance));
      });
    });

    it('accumulates over its steps: ten short ones go farther than one', () => {
      // Of this length, one step moves a start by a twentieth of epsilon.
      const [one, ten] = [1, 10].map((attackSteps) => {
        const settings = attackOf({ ...procedure, epsilon: 0.5, attackSteps, relativeStep: 0.05 });
        const result = attacked(settings);
        return deltasOf(result).map(([delta], i) => Math.hypot(...delta.map((v, j) => v - result.starts[i][j])));
      });
      one.forEach((moved, i) => {
        expect(moved).toBeLessThanOrEqual(0.05 * 0.5 + ROW_ROUNDING);
        expect(ten[i]).toBeGreaterThan(3 * moved);
      });
    });

    it('does to an input what it does to it alone', () => {
      const settings = attackOf({ ...procedure, epsilon: 0.5 });
      const { rows } = attacked(settings);
      const alone = attacked(settings, images.subarray(2 * SIZE, 3 * SIZE), 2);
      alone.rows[0].forEach((row, d) =>
        row.forEach((v, j) => expect(Math.abs(v - rows[2][d][j])).toBeLessThan(ROUNDING + 10 * 4 * SIZE * 2 ** -24)),
      );
    });

    it('leaves no tensor behind', () => {
      const before = tf.memory().numTensors;
      attacked(attackOf(procedure));
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  it('climbs where the mean softmax rounds to 1, as its log-odds say in closed form', () => {
    // Margins of 30 and 40: log((1 − p)/p) is log((e⁻³⁰ + e⁻⁴⁰)/2) to float32, and its gradient by a margin that draw's share.
    const shares = [30, 40].map((margin) => Math.exp(-margin) / (Math.exp(-30) + Math.exp(-40)));
    const { value, gradient } = tf.tidy(() => {
      const logits = tf.tensor2d([30, 0, 40, 0], [2, 2]);
      const of = (x: tf.Tensor): tf.Tensor1D => logOddsAgainstMean(x as tf.Tensor2D, tf.tensor2d([[1, 0]]), 2);
      return { value: of(logits).dataSync()[0], gradient: tf.grad(of)(logits).dataSync().slice() };
    });
    expect(Math.abs(value - Math.log((Math.exp(-30) + Math.exp(-40)) / 2))).toBeLessThan(30 * 2 ** -22);
    [-shares[0], shares[0], -shares[1], shares[1]].forEach((expected, i) =>
      expect(Math.abs(gradient[i] - expected)).toBeLessThan(40 * 2 ** -22),
    );
  });

  it('noise has the standard deviation asked for, other draws for each row', () => {
    const { rows } = attacked(attackOf({ procedure: 'adv-s', noiseDraws: 40, sigma: 0.3, epsilon: 1e-6 }));
    const noise = rows.flatMap((draws, i) => draws.map((row) => cleanOf(i).map((v, j) => row[j] - v)));
    const values = noise.flatMap((row) => [...row]);
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    // Four standard errors of a standard deviation of that many draws.
    expect(Math.abs(deviation / 0.3 - 1)).toBeLessThan(4 / Math.sqrt(2 * values.length));
    expect(new Set(noise.map((row) => row[0])).size).toBe(noise.length);
  });
}
