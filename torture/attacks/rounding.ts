// Every bound that a certificate rounds, at random points and extremes, against 50-digit and exact rational arithmetic (rounding.py).
// Must hold: each lies on its safe side. Needs Python 3 with mpmath: python3 -m pip install mpmath
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { propagatedMargins } from '../../src/main/math/boxPropagation.ts';
import { certified } from '../../src/main/math/certificates/verdict.ts';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import type { DenseHead, DenseLayerWeights } from '../../src/main/math/head.ts';
import { alphaOfTest, latticeSpacing, radiusLost } from '../../src/main/math/lattice/lattice.ts';
import { normalQuantileLower, normalQuantileUpper } from '../../src/main/math/normal.ts';
import { orderStatisticEpsilon } from '../../src/main/math/orderStatistics.ts';
import { layerNormUpper } from '../../src/main/math/spectralNorm.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import type { Attack } from '../attack.ts';
import { Choices } from '../choices.ts';

const CHECKER = fileURLToPath(new URL('rounding.py', import.meta.url));

/** Log-uniform. */
const scale = (choices: Choices, from: number, to: number): number =>
  Math.exp(Math.log(from) + choices.uniform() * (Math.log(to) - Math.log(from)));
const drawsOf = (choices: Choices): number => Math.round(scale(choices, 1, choices.uniform() < 0.1 ? 1e5 : 2000));
const alphaOf = (choices: Choices): number =>
  choices.of([1e-4, 1e-4 / 1280, 0.05, scale(choices, 1e-12, 0.5), scale(choices, 1e-200, 1e-12), 0.999]);

/** Counts at the ends and beside them as often as in the middle. */
function countOf(choices: Choices, draws: number): number {
  const roll = choices.uniform();
  if (roll < 0.1) return draws;
  if (roll < 0.15) return 0;
  if (roll < 0.3) return Math.max(0, draws - choices.below(5));
  if (roll < 0.4) return Math.min(draws, 1 + choices.below(3));
  return choices.below(draws + 1);
}

function probabilityLower(choices: Choices): object {
  const [n, alpha] = [drawsOf(choices), alphaOf(choices)];
  const k = countOf(choices, n);
  return { n, k, alpha, bound: clopperPearsonLower(k, n, alpha) };
}

function probabilityUpper(choices: Choices): object {
  const n = Math.max(2, drawsOf(choices));
  const k = Math.min(Math.floor(n / 2), Math.max(1, Math.floor(countOf(choices, n) / 2)));
  const alpha = alphaOf(choices);
  return { n, k, alpha, bound: orderStatisticEpsilon(k, n, alpha).qUpper };
}

/** Near 0, 1/2 and 1, and where AS 241 changes its formula. */
function probabilityOf(choices: Choices): number {
  const nudge = choices.of([0, 1, -1]) * scale(choices, 1e-16, 1e-3);
  return choices.of([
    choices.uniform(),
    scale(choices, 1e-300, 1),
    1 - scale(choices, 1.2e-16, 1),
    Math.min(0.999, Math.max(0.001, choices.of([0.075, 0.5, 0.925, 0.5 + 2 ** -53, 0.5 - 2 ** -54]) + nudge)),
    Number.MIN_VALUE * (1 + choices.below(1000)),
    1 - 2 ** -53,
  ]);
}

function normalQuantile(choices: Choices): object {
  let p = probabilityOf(choices);
  while (!(p > 0 && p < 1)) p = choices.uniform();
  return { p, lower: normalQuantileLower(p), upper: normalQuantileUpper(p) };
}

function radius(choices: Choices): object {
  const p = 0.5 + choices.of([choices.uniform() / 2, 0.5 - scale(choices, 1e-15, 0.5), scale(choices, 1e-15, 0.4)]);
  const sigma = choices.of([0.1, 0.25, 1, scale(choices, 1e-10, 1e10)]);
  const inputs = choices.of([1, 784, 3072, Math.round(scale(choices, 1, 1e7))]);
  const facts = { sigma, alpha: 0.1, draws: 100, selection: 'separate', noise: 'lattice', inputs } as const;
  const verdict = certified(facts, 0, normalQuantileLower(Math.min(p, 1 - 2 ** -53)));
  const lost = radiusLost(facts);
  // An abstention claims nothing.
  const bound = verdict.outcome === 'certified' ? verdict.radiusNormalised : 0;
  return {
    sigma,
    p: Math.min(p, 1 - 2 ** -53),
    inputs,
    spacing: latticeSpacing(sigma),
    lost,
    bound,
    isZero: verdict.outcome !== 'certified',
  };
}

function level(choices: Choices): object {
  const [alpha, draws] = [scale(choices, 1e-9, 0.5), drawsOf(choices)];
  const inputs = Math.round(scale(choices, 1, 1e8));
  return { alpha, draws, inputs, bound: alphaOfTest({ alpha, draws, inputs, noise: 'lattice' }) };
}

/** Cancelling sums, subnormals and numbers far apart as well as ordinary ones. */
function weightOf(choices: Choices): number {
  return Math.fround(choices.normal() * choices.of([1, 1, 1, 1e-3, 2 ** choices.of([-40, -20, 20, 40]), 1e-38]));
}

function layerOf(choices: Choices, inputs: number, outputs: number): DenseLayerWeights {
  const fill = (n: number): Float32Array => Float32Array.from({ length: n }, () => weightOf(choices));
  return { inputs, outputs, weight: fill(inputs * outputs), bias: fill(outputs) };
}

const written = ({ inputs, weight, bias }: DenseLayerWeights): object => ({
  weight: Array.from({ length: bias.length }, (_, row) => Array.from(weight.slice(row * inputs, (row + 1) * inputs))),
  bias: Array.from(bias),
});

function intervalMargins(choices: Choices): object {
  const dimension = 1 + choices.below(8);
  const hidden = Array.from({ length: choices.below(3) }, () => 2 * (1 + choices.below(4)));
  const classes = 2 + choices.below(4);
  const sizes = [dimension, ...hidden, classes];
  const layers = sizes.slice(1).map((outputs, i) => layerOf(choices, sizes[i], outputs));
  const head: DenseHead = { constraint: 'none', bound: 1, groupSize: 2, layers };
  const a = Float32Array.from({ length: dimension }, () => weightOf(choices));
  const b = choices.uniform() < 0.2 ? a : a.map((value) => Math.fround(value + Math.abs(weightOf(choices))));
  const c = choices.below(classes);
  const bounds = propagatedMargins(head, { lower: a, upper: b }, c);
  return {
    lower: [...a],
    upper: [...b],
    groupSize: 2,
    layers: layers.map(written),
    c,
    bounds: [...bounds].map((m, j) => (j === c ? 0 : m)),
  };
}

function spectralNorm(choices: Choices): object {
  const [inputs, outputs] = [1 + choices.below(6), 1 + choices.below(6)];
  const layer = layerOf(choices, inputs, outputs);
  return { ...written(layer), bound: layerNormUpper(layer) };
}

/** Shares of the points. */
const KINDS = [
  ['probability lower', probabilityLower, 0.28],
  ['probability upper', probabilityUpper, 0.25],
  ['normal quantile', normalQuantile, 0.25],
  ['radius', radius, 0.1],
  ['level', level, 0.04],
  ['interval margins', intervalMargins, 0.05],
  ['spectral norm', spectralNorm, 0.03],
] as const;

interface Checked {
  readonly counts: Readonly<Record<string, number>>;
  /** How far off at most; of probabilities as the logarithm of the tail. */
  readonly slack: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

export const rounding: Attack = {
  name: 'rounding',
  title: 'bounds lie outside of 50-digit arithmetic (needs Python with mpmath)',
  count: 100_000,
  async run({ seed, count, say }, tally) {
    const folder = emptyFolder();
    const file = path.join(folder, 'points.jsonl');
    try {
      const lines = KINDS.flatMap(([kind, make, share]) => {
        const choices = new Choices(seed, 'rounding', kind);
        return Array.from({ length: Math.ceil(share * count) }, () => JSON.stringify({ kind, ...make(choices) }));
      });
      writeFileSync(file, `${lines.join('\n')}\n`);
      say(`${lines.length} points written`);
      const { stdout } = await promisify(execFile)(process.env['PTW_PYTHON'] ?? 'python3', [CHECKER, file], {
        maxBuffer: 1 << 28,
      });
      const { counts, slack, wrong } = JSON.parse(stdout) as Checked;
      for (const [kind, most] of Object.entries(slack))
        if (most > 0) say(`${kind}: off by ${most.toExponential(1)} at most`);
      for (const [kind, points] of Object.entries(counts)) tally.add(kind, points);
      for (const point of wrong) tally.violation(point);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
