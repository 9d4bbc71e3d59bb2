import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { wilsonInterval } from '../../../src/main/math/wilson.ts';
import { exportStudy } from '../../../src/main/workbench/studies/exportStudy.ts';
import type { LoadedStudy } from '../../../src/main/workbench/studies/loadStudy.ts';
import { studyReport, type StudyReport } from '../../../src/main/workbench/studies/studyReport.ts';
import type { StudyRow, StudyTable } from '../../../src/main/workbench/studies/studyTables.ts';
import { valueText } from '../../../src/main/workbench/studies/valueText.ts';
import { emptyFolder } from '../tinyExperiment.ts';
import { storeWith, type CellContents } from './storedStudy.ts';
import { tinyStudy, TINY_STUDY } from './tinyStudy.ts';

const TRANSFERS = [
  { source: { dataset: 'svhn' }, target: { dataset: 'mnist' } },
  { source: { dataset: 'mnist' }, target: { dataset: 'kmnist' } },
];
const HEADS = [
  { layers: 1, constraint: 'none' },
  { layers: 1, constraint: 'wn' },
  { layers: 1, constraint: 'wn-l1', temperature: 30 },
];

function study(certified: boolean, change: Readonly<Record<string, unknown>> = {}): LoadedStudy {
  const certification = { enabled: certified, draws: 60, selectionDraws: 20 };
  const base = { extractor: { preset: 'wrn-10-1' }, instances: 10, pgd: { enabled: false }, certification };
  return tinyStudy({ base, transfers: TRANSFERS, heads: HEADS, procedures: ['normal'], seeds: [0, 1], ...change });
}

function reportOf(loaded: LoadedStudy, contents: readonly (CellContents | null)[]): StudyReport {
  const { store, id } = storeWith(loaded, contents);
  return studyReport(store, id);
}

const at = ({ columns }: StudyTable, { values }: StudyRow, key: string) =>
  values[columns.findIndex((column) => column.key === key)];
const rowOf = (table: StudyTable, ...keys: string[]): StudyRow =>
  table.rows.find((row) => keys.every((key) => row.keys.includes(key)))!;

describe('a smoothing table', () => {
  // Two seeds of SVHN → MNIST, then one of two of MNIST → KMNIST.
  const report = reportOf(study(true), [
    { right: 6, epochs: 3 },
    { right: 8, epochs: 4 },
    { right: 5, epochs: 2 },
    null,
  ]);
  const [table] = report.tables;

  it('is the only one, with a row for each transfer, domain, head and procedure', () => {
    expect(report.tables.map(({ kind }) => kind)).toEqual(['smoothing']);
    expect(table.rows).toHaveLength(2 * 2 * 3);
    expect(table.rows[0].keys).toEqual(['svhn → mnist', 'source', '1-layer none', 'normal']);
  });

  it('has mean, range and every seed of our number, beside the published one and the difference', () => {
    const { ours, published, difference } = at(table, rowOf(table, 'svhn → mnist', 'source', '1-layer wn'), 'base');
    expect(ours).toMatchObject({ mean: 70, min: 60, max: 80 });
    expect(ours!.values.map(({ seed, value }) => [seed, value])).toEqual([
      [0, 60],
      [1, 80],
    ]);
    const { lower, upper } = wilsonInterval(6, 10);
    expect(ours!.values[0].share).toEqual({ hits: 6, total: 10, interval: { lower: 100 * lower, upper: 100 * upper } });
    // Table 3, one layer, source, WN, normal.
    expect(published).toBe(96.5);
    expect(difference).toBeCloseTo(70 - 96.5, 12);
  });

  it('compares the published rule with the published A_V, and the proved one with nothing', () => {
    const row = rowOf(table, 'svhn → mnist', 'target', '1-layer wn');
    expect(at(table, row, 'representationPaper')).toMatchObject({ ours: { mean: 70 }, published: 63.8 });
    expect(at(table, row, 'representationProved')).toMatchObject({
      ours: { mean: 70 },
      published: null,
      difference: null,
    });
    expect(at(table, row, 'labelRadius')).toMatchObject({ ours: { mean: 0.1 }, published: 0.116 });
    expect(at(table, row, 'labelRadius').ours!.values[0].share).toBeNull();
    expect(at(table, row, 'logitMedian').published).toBe(83.1);
  });

  it("has no published number where head or transfer are not the paper's", () => {
    expect(
      rowOf(table, 'svhn → mnist', 'source', '1-layer wn-l1, temperature 30').values.every(
        ({ published }) => published === null,
      ),
    ).toBe(true);
    // The paper smooths MNIST → KMNIST with four layers alone.
    expect(
      rowOf(table, 'mnist → kmnist', 'source', '1-layer wn').values.every(({ published }) => published === null),
    ).toBe(true);
    expect(table.hasPublished).toBe(true);
  });

  it('marks each row with its scale, and says what is missing', () => {
    const whole = rowOf(table, 'svhn → mnist', 'source', '1-layer none');
    expect(whole.scale).toBe(
      '10 inst., n = 60, wrn-10-1, 3+3 epochs, 73257→60000 img.; 10 inst., n = 60, wrn-10-1, 4+4 epochs, 73257→60000 img.',
    );
    expect(whole.missing).toBeNull();
    const half = rowOf(table, 'mnist → kmnist', 'target', '1-layer none');
    expect(half.missing).toBe('seed 1: not run');
    expect(half.scale).toMatch(/2\+2 epochs, 60000→60000 img\.; .*≤ 100\+100 epochs/);
    expect(at(table, half, 'base').ours!.values).toHaveLength(1);
  });
});

it('a procedure with settings of its own under another name has no published counterpart', () => {
  const procedures = [{ procedure: 'normal', label: 'long', source: { maxEpochs: 500 } }];
  const { tables } = reportOf(study(true, { procedures }), [{ right: 5, epochs: 1 }]);
  expect(tables[0].hasPublished).toBe(false);
});

it('without certificates and searches the table is that of accuracies, transfers side by side', () => {
  const report = reportOf(study(false, { seeds: [0] }), [{ right: 9, epochs: 1 }, null]);
  const [table] = report.tables;
  expect(report.tables.map(({ kind }) => kind)).toEqual(['accuracy']);
  expect(table.columns.map(({ group, title }) => `${group} ${title}`)).toEqual([
    'svhn → mnist source',
    'svhn → mnist target',
    'mnist → kmnist source',
    'mnist → kmnist target',
  ]);
  expect(table.rows.map(({ keys }) => keys[0])).toEqual([
    '1-layer none',
    '1-layer wn',
    '1-layer wn-l1, temperature 30',
  ]);
  const [none] = table.rows;
  expect(none.values.map(({ published }) => published)).toEqual([95.5, 96, 99.8, 71]);
  expect(none.values.map(({ ours }) => ours?.mean ?? null)).toEqual([90, 90, null, null]);
  expect(none.missing).toBe('mnist → kmnist: not run');
  expect(none.scale).not.toMatch(/n =/);
});

describe('an export', () => {
  const report = reportOf(study(true), [
    { right: 6, epochs: 3 },
    { right: 8, epochs: 4 },
  ]);
  const out = emptyFolder();
  const files = exportStudy(report, { out, force: false });
  const read = (name: string): string => readFileSync(path.join(out, name), 'utf8');

  it('refuses to replace files unless it is told to', () => {
    expect(() => exportStudy(report, { out, force: false })).toThrow(/is there already/);
    expect(exportStudy(report, { out, force: true })).toEqual(files);
  });

  it('is a JSON document with everything, and a CSV and a LaTeX file a table', () => {
    expect(files.map((file) => path.basename(file))).toEqual([
      'study-1.json',
      'study-1-smoothing.csv',
      'study-1-smoothing.tex',
    ]);
    expect(JSON.parse(read('study-1.json'))).toEqual(JSON.parse(JSON.stringify(report)));
    const [header, first] = read('study-1-smoothing.csv').split('\n');
    expect(header.split(',').slice(0, 10)).toEqual([
      'transfer',
      'domain',
      'head',
      'training',
      'base',
      'base_min',
      'base_max',
      'base_runs',
      'base_published',
      'base_difference',
    ]);
    expect(first).toMatch(/^svhn → mnist,source,1-layer none,normal,70,60,80,2,94\.4,-24\.4/);
  });

  it('has LaTeX with as many cells in every row, special characters escaped', () => {
    const text = read('study-1-smoothing.tex');
    expect(text).toMatch(/\\toprule[\s\S]*\\midrule[\s\S]*\\bottomrule/);
    const columns = /\\begin\{tabular\}\{(\w+)\}/.exec(text)![1].length;
    const rows = text.split('\n').filter((line) => line.endsWith('\\\\') && !line.includes('multicolumn'));
    expect(rows).toHaveLength(1 + report.tables[0].rows.length);
    for (const row of rows) expect(row.split(' & ')).toHaveLength(columns);
    expect(text).toContain('A\\_V proved');
    expect(text).toContain(
      'svhn $\\rightarrow$ mnist & source & 1-layer none & normal & 70.0 [60.0--80.0] (94.4, $-$24.4)',
    );
  });
});

it('numbers are printed with their sign, and an equal one as such', () => {
  const ours = { mean: 50.04, min: 50.04, max: 50.04, values: [{ run: 1, seed: 0, value: 50.04, share: null }] };
  const text = (published: number) => valueText({ ours, published, difference: ours.mean - published }, 'percent');
  expect(text(50)).toEqual({ ours: '50.0', range: null, published: '50.0', difference: '±0.0' });
  expect(text(51).difference).toBe('−1.0');
  expect(text(49).difference).toBe('+1.0');
  expect(valueText({ ours: null, published: null, difference: null }, 'length')).toEqual({
    ours: null,
    range: null,
    published: null,
    difference: null,
  });
});

it("the study's own document stands in its report", () => {
  const report = reportOf(tinyStudy(), []);
  expect(report.study.config).toEqual(JSON.parse(JSON.stringify(TINY_STUDY)));
  expect(report.runs.map(({ run, status }) => [run, status])).toEqual([
    [null, null],
    [null, null],
  ]);
});

describe('a table of radii', () => {
  const loaded = study(true, {
    transfers: [TRANSFERS[0]],
    heads: [HEADS[0]],
    seeds: [0],
    sigmas: [0.1, 0.2],
    radiusTable: true,
  });
  const report = reportOf(loaded, [
    { right: 6, epochs: 3 },
    { right: 8, epochs: 3 },
  ]);
  const [smoothing, table] = report.tables;
  const label = (sigma: string): StudyRow => rowOf(table, 'target', sigma, 'label');

  it('has a row for each σ and method, and σ is a column of the other table too', () => {
    expect(table.kind).toBe('radius');
    expect(table.keys).toEqual(['Transfer', 'Domain', 'Head', 'Training', 'σ', 'Method']);
    expect(smoothing.keys).toEqual(['Transfer', 'Domain', 'Head', 'Training', 'σ']);
    const methods = table.rows
      .filter(({ keys }) => keys[1] === 'target' && keys[4] === '0.1')
      .map(({ keys }) => keys[5]);
    expect(methods).toContain('pairwise');
    expect(methods).toContain('representation, any sound rule');
    expect(new Set(methods).size).toBe(methods.length);
  });

  it('has A_V at multiples of the run’s own σ with intervals, and mean radii over all and over the certified', () => {
    // Every certificate of the stored study reaches 0.1: that is σ at 0.1 and σ/2 at 0.2.
    const shares = (sigma: string) =>
      ['at0', 'at0.5', 'at1', 'at1.5'].map((key) => at(table, label(sigma), key).ours!.mean);
    expect(shares('0.1')).toEqual([60, 60, 60, 0]);
    expect(shares('0.2')).toEqual([80, 80, 0, 0]);
    expect(at(table, label('0.1'), 'at1').ours!.values[0].share!.interval.lower).toBeCloseTo(
      100 * wilsonInterval(6, 10).lower,
      12,
    );
    expect(at(table, label('0.2'), 'radiusOfAll').ours!.mean).toBeCloseTo(0.08, 12);
    expect(at(table, label('0.2'), 'radiusOfCertified').ours!.mean).toBeCloseTo(0.1, 12);
  });

  it('is exported with its intervals', () => {
    const out = emptyFolder();
    exportStudy(report, { out, force: false });
    const [header, first] = readFileSync(path.join(out, `study-${report.study.id}-radius.csv`), 'utf8').split('\n');
    const columns = header.split(',');
    expect(columns.slice(0, 6)).toEqual(['transfer', 'domain', 'head', 'training', 'σ', 'method']);
    expect(columns.slice(6, 12)).toEqual(['at0', 'at0_min', 'at0_max', 'at0_runs', 'at0_lower', 'at0_upper']);
    expect(Number(first.split(',')[columns.indexOf('at0_lower')])).toBeGreaterThan(0);
  });

  it('is there only where it is asked for', () => {
    expect(reportOf(study(true), [null, null, null, null]).tables.map(({ kind }) => kind)).toEqual(['smoothing']);
  });
});
