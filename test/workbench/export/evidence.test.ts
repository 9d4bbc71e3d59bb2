import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { CONSTRAINTS, RULES, type Method, type Rule } from '../../../src/shared/config.ts';
import { clopperPearsonLower } from '../../../src/main/math/clopperPearson.ts';
import { certified } from '../../../src/main/math/certificates/verdict.ts';
import { isProof } from '../../../src/main/math/marginRules.ts';
import { normalQuantileLower } from '../../../src/main/math/normal.ts';
import { largestUsableIndex, orderStatisticEpsilon } from '../../../src/main/math/orderStatistics.ts';
import { pythonWithPackages, type PythonRun } from '../../python.ts';
import { PAPER_DRAWS } from '../../math/evidence.ts';
import { emptyFolder } from '../tinyExperiment.ts';
import { exported, runToExport, type ExportedRun } from './exportedRun.ts';

const python = await pythonWithPackages();

const PROOFS = fileURLToPath(new URL('proofsByLines.py', import.meta.url));
const VERIFIER_FOLDER = fileURLToPath(new URL('../../../src/main/workbench/export/evidence', import.meta.url));

interface Line {
  domain: string;
  head: string;
  index: number;
  label: number;
  method: Method;
  rule: Rule | null;
  soundness: string;
  verdict: { outcome: string; predicted: number; radiusNormalised?: number; reason?: string };
  radiusPixels: number | null;
  medianPrediction: number | null;
  evidence: Record<string, unknown>;
  falsification?: unknown;
  arrays: Record<string, [dtype: 'int32' | 'float32' | 'float64', offset: number, count: number]>;
}

const ARRAY_TYPES = { int32: Int32Array, float32: Float32Array, float64: Float64Array } as const;

/** A copy of the exported folder that may be tampered with. */
class EvidenceFolder {
  readonly path = emptyFolder();
  readonly lines: Line[];
  #arrays: Buffer<ArrayBuffer>;

  constructor(original: string) {
    cpSync(original, this.path, { recursive: true });
    this.lines = readFileSync(this.file('certificates.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    this.#arrays = readFileSync(this.file('arrays.bin'));
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  find(method: Method, matches: (line: Line) => boolean = () => true): Line {
    return this.lines.find((line) => line.method === method && matches(line))!;
  }

  /** The elements of an array of a certificate. */
  array(line: Line, name: string): number[] {
    const [dtype, offset, count] = line.arrays[name];
    const Type = ARRAY_TYPES[dtype];
    return Array.from(new Type(this.#arrays.buffer.slice(this.#arrays.byteOffset + offset), 0, count));
  }

  /** Gives this certificate another array, and no other one that shares the old. */
  change(line: Line, name: string, edit: (values: number[]) => number[]): void {
    const [dtype] = line.arrays[name];
    const values = edit(this.array(line, name));
    line.arrays[name] = [dtype, this.#arrays.length, values.length];
    const bytes = Buffer.from(ARRAY_TYPES[dtype].from(values).buffer);
    this.#arrays = Buffer.concat([this.#arrays, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  }

  save(): void {
    writeFileSync(this.file('certificates.jsonl'), this.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    writeFileSync(this.file('arrays.bin'), this.#arrays);
  }

  verify(): Promise<PythonRun> {
    return python!([this.file('verify.py')]);
  }
}

const isCertified = ({ verdict }: Line): boolean => verdict.outcome === 'certified';

/** What was done to one certificate, and what the script must say of it. */
interface Forgery {
  readonly tamper: (folder: EvidenceFolder) => Line;
  readonly says: RegExp;
}

const FORGERIES: Readonly<Record<string, Forgery>> = {
  'votes taken away': {
    tamper: (folder) => {
      const line = folder.find('label', isCertified);
      folder.change(line, 'counts', (counts) => counts.map((n, k) => (k === line.verdict.predicted ? n - 1 : n)));
      return line;
    },
    says: /the stored radius is 0\.\d+, the evidence proves 0\.\d+ only/,
  },
  'votes beyond the draws': {
    tamper: (folder) => {
      const line = folder.find('label', isCertified);
      folder.change(line, 'counts', (counts) => counts.map((n, k) => (k === line.verdict.predicted ? 61 : n)));
      return line;
    },
    says: /counts \[.*61.*\] cannot come from 60 draws/,
  },
  'wins given to the class': {
    tamper: (folder) => {
      const line = folder.find('pairwise', ({ verdict }) => verdict.outcome === 'abstained');
      folder.change(line, 'wins', (wins) => wins.map(() => 60));
      return line;
    },
    says: /stored is "abstained on \d, a-rival-may-win", what follows is "certified \d"/,
  },
  'a logit bound over that of the class': {
    tamper: (folder) => {
      const line = folder.find('logit', isCertified);
      const rival = line.verdict.predicted === 0 ? 1 : 0;
      folder.change(line, 'upper', (upper) => upper.map((bound, k) => (k === rival ? 1e3 : bound)));
      return line;
    },
    says: /stored is "certified \d", what follows is "abstained on \d, boxes-overlap"/,
  },
  'a bound of a box moved by a hair, under a deep head': {
    tamper: (folder) => {
      const line = folder.find('representation', ({ rule, head }) => rule === 'interval' && head.startsWith('4-layer'));
      folder.change(line, 'upper', (upper) => upper.map((bound) => bound + 1e-4));
      return line;
    },
    says: /the stored margin to class \d is -?[\d.e-]+, the box gives -?[\d.e-]+/,
  },
  'a median outside its box': {
    tamper: (folder) => {
      const line = folder.find('representation');
      folder.change(line, 'median', (median) => median.map((value) => value + 9));
      return line;
    },
    says: /the median lies outside the box/,
  },
  'a radius above the true one by a part in 1e10': {
    tamper: (folder) => {
      const line = folder.find('label', isCertified);
      line.verdict.radiusNormalised! *= 1 + 1e-10;
      line.radiusPixels! *= 1 + 1e-10;
      return line;
    },
    says: /the stored radius is/,
  },
  'a radius of another index of the box': {
    tamper: (folder) => {
      const line = folder.find('representation', isCertified);
      line.evidence['k'] = (line.evidence['k'] as number) + 1;
      return line;
    },
    says: /the stored radius is|does not serve/,
  },
  'a smaller radius': {
    tamper: (folder) => {
      const line = folder.find('logit', isCertified);
      line.verdict.radiusNormalised! *= 1 - 1e-6;
      line.radiusPixels! *= 1 - 1e-6;
      return line;
    },
    says: /the stored radius is/,
  },
  'a radius in pixel units': {
    tamper: (folder) => {
      const line = folder.find('label', isCertified);
      line.radiusPixels! *= 2;
      return line;
    },
    says: /the stored radius in pixel units is/,
  },
  'a published rule called a proof': {
    tamper: (folder) => {
      const line = folder.find('representation', ({ soundness }) => soundness === 'published-rule');
      line.soundness = 'proved';
      return line;
    },
    says: /it is stored as "proved", what follows is "published-rule"/,
  },
  'another predicted class': {
    tamper: (folder) => {
      const line = folder.find('label', isCertified);
      line.verdict.predicted = (line.verdict.predicted + 1) % 10;
      return line;
    },
    says: /stored is "certified \d", what follows is "certified \d"/,
  },
  'an abstention made a certificate': {
    tamper: (folder) => {
      const line = folder.find('representation', ({ verdict }) => verdict.reason === 'margin-not-positive');
      line.verdict = { outcome: 'certified', predicted: line.verdict.predicted, radiusNormalised: 0 };
      line.radiusPixels = 0;
      return line;
    },
    says: /stored is "certified \d", what follows is "abstained on \d, margin-not-positive"/,
  },
  'another reason to abstain': {
    tamper: (folder) => {
      const line = folder.find('label', ({ verdict }) => verdict.outcome === 'abstained');
      line.verdict.reason = 'not-finite';
      return line;
    },
    says: /what follows is "abstained on \d, no-majority"/,
  },
  'another prediction of the median': {
    tamper: (folder) => {
      const line = folder.find('representation');
      line.medianPrediction = (line.medianPrediction! + 1) % 10;
      return line;
    },
    says: /the stored prediction of the median is \d, \d follows/,
  },
  "another alpha than the run's": {
    tamper: (folder) => {
      const line = folder.find('label');
      line.evidence['alpha'] = 0.4;
      return line;
    },
    says: /alpha of the evidence is 0\.4, the run's is 0\.0001/,
  },
  'an array that is not there': {
    tamper: (folder) => {
      const line = folder.find('label');
      line.arrays['counts'] = ['int32', 1e9, 10];
      return line;
    },
    says: /the array counts lies outside arrays\.bin/,
  },
  'a falsifying point where the class wins all the same': {
    tamper: (folder) => {
      const line = folder.find('representation', (other) => other.soundness === 'published-rule' && isCertified(other));
      const rival = (line.verdict.predicted + 1) % 10;
      const point = folder.array(line, 'median');
      line.falsification = { atRadius: { k: 1, rival, marginUpper: -1, point }, atSmallestBox: null };
      return line;
    },
    says: /at the falsifying point atRadius class \d does not win/,
  },
  'a falsifying point outside the box': {
    tamper: (folder) => {
      const line = folder.find('representation', (other) => other.soundness === 'published-rule' && isCertified(other));
      const point = folder.array(line, 'upper').map((bound) => bound + 1);
      line.falsification = { atRadius: null, atSmallestBox: { k: 1, rival: 0, marginUpper: -1, point } };
      return line;
    },
    says: /the falsifying point atSmallestBox lies outside the box/,
  },
  'a rule that nobody knows': {
    tamper: (folder) => {
      const line = folder.find('representation');
      line.rule = line.evidence['rule'] = 'wishful' as Rule;
      return line;
    },
    says: /this script does not know the rule wishful/,
  },
};

describe.skipIf(python === null)('verify.py', () => {
  let run: ExportedRun;
  let original: string;
  beforeAll(async () => {
    run = await runToExport();
    original = path.dirname(exported(run, 'evidence').get('evidence/manifest.json')!);
  });

  it.each(Object.entries(FORGERIES))('finds and names: %s', async (_, { tamper, says }) => {
    const folder = new EvidenceFolder(original);
    const { domain, head, index, method, rule } = tamper(folder);
    folder.save();
    const { status, output } = await folder.verify();
    const named = output.split('\n').filter((line) => line.startsWith('DISAGREES'));
    const name = `DISAGREES ${domain}, ${head}, image ${index}, ${[method, rule].filter(Boolean).join(' ')}: `;
    expect(named.filter((line) => line.startsWith(name)).join('\n')).toMatch(says);
    // Nothing is wrong with the others, but that a certificate by an unknown rule is missing by its own.
    expect(
      named.filter((line) => !line.startsWith(name) && !line.endsWith('certificates are missing or twice there')),
    ).toEqual([]);
    expect(status).toBe(1);
  });

  it('finds a weight that was changed, a certificate that is missing, and one that is there twice', async () => {
    const folder = new EvidenceFolder(original);
    const [first, second] = folder.lines;
    folder.lines.splice(0, 2, second, second);
    folder.save();
    const npy = readFileSync(folder.file('heads/target-4-layer-wn-layer2-weight.npy'));
    npy.writeFloatLE(9, npy.length - 4);
    writeFileSync(folder.file('heads/target-4-layer-wn-layer2-weight.npy'), npy);
    const { status, output } = await folder.verify();
    expect(output).toMatch(
      `DISAGREES ${first.domain}, ${first.head}, image ${first.index}: certificates are missing or twice there`,
    );
    expect(output).toMatch(/DISAGREES target, 4-layer wn, image \d+, representation interval: the stored margin/);
    expect(output).not.toMatch(/DISAGREES .*4-layer wn-l1/);
    expect(status).toBe(1);
  });

  it('holds linear bounds between intervals and points of the box, and proves positive ones by itself', async () => {
    const folder = new EvidenceFolder(original);
    const manifest = readFileSync(folder.file('manifest.json'), 'utf8');
    writeFileSync(folder.file('manifest.json'), manifest.replace(/"interval"/g, '"linear"'));
    const linear = folder.lines.filter(({ rule }) => rule === 'interval');
    for (const line of linear) line.rule = line.evidence['rule'] = 'linear' as Rule;
    folder.save();
    // What intervals prove, linear bounds may say too.
    expect((await folder.verify()).status).toBe(0);
    const claims = linear.filter(
      ({ verdict, head }) => verdict.reason === 'margin-not-positive' && head === '4-layer wn',
    );
    const [tooMuch, unproved] = claims;
    const positive = (margins: number[], by: number): number[] =>
      margins.map((margin) => (margin === Infinity ? margin : by));
    for (const [line, by] of [
      [tooMuch, 1e6],
      [unproved, 1e-6],
    ] as const) {
      folder.change(line, 'marginLower', (margins) => positive(margins, by));
      line.verdict = { outcome: 'certified', predicted: line.verdict.predicted, radiusNormalised: 0 };
      line.radiusPixels = 0;
    }
    // A box as wide as this holds points of other classes.
    folder.change(unproved, 'lower', (lower) => lower.map((bound) => bound - 50));
    folder.change(unproved, 'upper', (upper) => upper.map((bound) => bound + 50));
    folder.save();
    const { output, status } = await folder.verify();
    const said = (line: Line): string =>
      output
        .split('\n')
        .find((text) =>
          text.startsWith(`DISAGREES ${line.domain}, ${line.head}, image ${line.index}, representation linear`),
        ) ?? '';
    expect(said(tooMuch)).toMatch(/the stored margin to class \d is 1000000\.0, the box gives -?[\d.e-]+ at most/);
    expect(said(unproved)).toMatch(/the box gives -[\d.e-]+ at most|is -[\d.e-]+ at a point of the box/);
    expect(status).toBe(1);
  });

  it('proves by lines what is positive on a box and nothing else, on heads small enough to look everywhere', async () => {
    expect(await python!([PROOFS, VERIFIER_FOLDER])).toEqual({ status: 0, output: '48 proved, 48 not proved\n' });
  });

  it('ends with 2 for a folder that cannot be read', async () => {
    const folder = new EvidenceFolder(original);
    rmSync(folder.file('manifest.json'));
    expect(await folder.verify()).toMatchObject({
      status: 2,
      output: expect.stringMatching(/cannot be read.*export it again/) as string,
    });
    const cut = new EvidenceFolder(original);
    truncateSync(cut.file('certificates.jsonl'), 1000);
    expect((await cut.verify()).status).toBe(2);
  });

  it('rechecks every certificate of the run, and all follow', async () => {
    const folder = new EvidenceFolder(original);
    const { status, output } = await folder.verify();
    expect(output).toMatch(/Every verdict follows from its evidence\.\n$/);
    expect(status).toBe(0);
    // Columns: method, rule where there is one, soundness, then checked, certified, abstained, near zero, disagree.
    const rows = [...output.matchAll(/^(label|logit|pairwise|representation) .*?(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$/gm)];
    const sum = (column: number): number => rows.reduce((total, row) => total + Number(row[column]), 0);
    expect(sum(2)).toBe(folder.lines.length);
    expect(sum(3)).toBe(folder.lines.filter(isCertified).length);
    expect(sum(6)).toBe(0);
    // Two domains, ten instances, three methods without rules; under `none` no paper rule.
    const ofHead = 3 + RULES.length;
    expect(folder.lines).toHaveLength(2 * 10 * (ofHead - 1 + ofHead + ofHead));
  });

  it('knows every rule there is, and when it proves', async () => {
    const script = `import json, verify; print(json.dumps({name: [c for c in ${JSON.stringify(CONSTRAINTS)} if rule.proves(c)] for name, rule in verify.RULES.items()}))`;
    const { output } = await python!([
      '-c',
      `import sys; sys.path.insert(0, ${JSON.stringify(VERIFIER_FOLDER)}); ${script}`,
    ]);
    const expected = RULES.map((rule) => [rule, CONSTRAINTS.filter((constraint) => isProof(rule, constraint))]);
    expect(JSON.parse(output)).toEqual(Object.fromEntries(expected));
  });

  it('agrees on the radius of every count and index at the sizes of real runs, as near as it claims', async () => {
    const cases: [radius: number, successes: number, draws: number, level: number][] = [];
    const sigma = 0.1;
    for (const draws of [60, 500, 10_000, 100_000]) {
      for (const level of [1e-4, 1e-5, 1e-4 / 2 / 640]) {
        const largest = largestUsableIndex(draws, level)!;
        for (let k = 1; k <= largest; k = k === largest ? k + 1 : Math.min(largest, Math.ceil(1.3 * k))) {
          const statistic = orderStatisticEpsilon(k, draws, level);
          if (statistic.outcome === 'usable')
            cases.push([sigma * statistic.epsilonOverSigma, draws - k + 1, draws, level]);
        }
        for (let missed = 0; missed < draws / 2; missed = Math.ceil(1.3 * missed + 1)) {
          const lower = clopperPearsonLower(draws - missed, draws, level);
          if (lower <= 0.5) break;
          const verdict = certified({ ...PAPER_DRAWS, sigma }, 0, normalQuantileLower(lower));
          if (verdict.outcome === 'certified') cases.push([verdict.radiusNormalised, draws - missed, draws, level]);
        }
      }
    }
    const file = path.join(emptyFolder(), 'cases.json');
    writeFileSync(file, JSON.stringify(cases));
    const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(VERIFIER_FOLDER)})
import verify
wrong = [(case, verify.radius_problem(case[0] * change, {'sigma': ${sigma}, 'noise': 'float32', 'inputs': 0}, verify.clopper_pearson(*case[1:])))
         for case in json.load(open(sys.argv[1])) for change in map(float, sys.argv[2:])]
print([w for w in wrong if w[1]], len([w for w in wrong if not w[1]]))`;
    expect(cases.length).toBeGreaterThan(500);
    expect((await python!(['-c', script, file, '1'])).output).toBe(`[] ${cases.length}\n`);
    // Radii above a thousandth of sigma that are off by more than the tolerance are found, each of them.
    const large = cases.filter(([radius]) => radius > 1e-3 * sigma);
    writeFileSync(file, JSON.stringify(large));
    expect((await python!(['-c', script, file, '1.00000001', '0.99999999'])).output).toMatch(/ 0\n$/);
  });
});
