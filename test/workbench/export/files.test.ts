import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataFacts } from '../../../src/main/workbench/export/dataFacts.ts';
import { EXPORT_FORMATS, exportRun, type ExportFormat } from '../../../src/main/workbench/export/exportRun.ts';
import { latexText, latexTitle } from '../../../src/main/workbench/export/latex.ts';
import { planOfPieces, writePlan } from '../../../src/main/workbench/export/writePlan.ts';
import { cellText, REPORT_COLUMNS } from '../../../src/shared/reportColumns.ts';
import { headsOf, headWeights, storedRun, trainedExtractor } from '../../../src/main/workbench/storedRun.ts';
import { reading } from '../../../src/main/workbench/storeOfFolder.ts';
import { showRun, startRun } from '../../../src/main/workbench/workbench.ts';
import { pythonWithPackages } from '../../python.ts';
import { emptyFolder, quietHost, SILENT, tinyConfig } from '../tinyExperiment.ts';
import { exported, runToExport, type ExportedRun } from './exportedRun.ts';

const python = await pythonWithPackages();
const READER = fileURLToPath(new URL('readInPython.py', import.meta.url));

async function readInPython<T>(kind: 'safetensors' | 'onnx', files: readonly string[]): Promise<T[]> {
  const { status, output } = await python!([READER, kind, ...files]);
  if (status !== 0) throw new Error(output);
  return JSON.parse(output) as T[];
}

const NAME = 'runs_of 50% & $more$ #1 {a} \\b ~c ^d: σ → 2 – 3';
let run: ExportedRun;
beforeAll(async () => {
  run = await runToExport({ name: NAME });
});

describe('refusals', () => {
  let home: string;
  beforeAll(async () => {
    home = emptyFolder();
    const abort = new AbortController();
    let certifying = false;
    const reporter = {
      ...SILENT,
      began: ({ title }: { title: string }) => (certifying = title.startsWith('Certificates, source')),
      progress: () => {
        if (certifying) abort.abort();
      },
    };
    const host = quietHost({ reporter, signal: abort.signal });
    await expect(startRun(home, tinyConfig(), host)).rejects.toThrow(/interrupted/);
  });

  it.each<[ExportFormat, RegExp]>([
    [
      'latex',
      /^export of run 1 as latex: it is not finished, missing: certificates, source, 1-layer none; certificates, source, 4-layer wn; certificates, target, 1-layer none; .*; go on with: ptw resume 1$/,
    ],
    ['evidence', /^export of run 1 as evidence: it is not finished, missing: certificates, source, 1-layer none; /],
  ])('%s of an interrupted run names the parts that are missing, and writes nothing', (format, message) => {
    const out = path.join(emptyFolder(), 'out');
    expect(() => exportRun(home, 1, { format, out, force: false })).toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  it.each<ExportFormat>(['json', 'csv', 'safetensors', 'onnx'])('%s asks only for what it writes', (format) => {
    expect(exportRun(home, 1, { format, out: emptyFolder(), force: false }).length).toBeGreaterThan(0);
  });

  it.each(EXPORT_FORMATS)('%s never writes over what is there, but with --force', (format) => {
    const out = emptyFolder();
    const files = exportRun(run.folder, run.id, { format, out, force: false });
    const before = readdirSync(out, { recursive: true }).sort();
    writeFileSync(files[0], 'changed');
    expect(() => exportRun(run.folder, run.id, { format, out, force: false })).toThrow(
      /is there already; choose another --out, or replace it with --force/,
    );
    expect(readFileSync(files[0], 'utf8')).toBe('changed');
    exportRun(run.folder, run.id, { format, out, force: true });
    expect(readFileSync(files[0], 'utf8')).not.toBe('changed');
    expect(readdirSync(out, { recursive: true }).sort()).toEqual(before);
  });

  it('an evidence folder is replaced as a whole: what else lay in it is gone', () => {
    const out = emptyFolder();
    const [file] = exportRun(run.folder, run.id, { format: 'evidence', out, force: false });
    const stale = path.join(path.dirname(file), 'heads', 'of-another-run.npy');
    writeFileSync(stale, '');
    exportRun(run.folder, run.id, { format: 'evidence', out, force: true });
    expect([existsSync(stale), existsSync(file)]).toEqual([false, true]);
  });

  it('an export that fails midway leaves neither its files nor unfinished ones, and what was there as it was', () => {
    const out = emptyFolder();
    writeFileSync(path.join(out, 'a.txt'), 'old');
    function* failing(): Generator<string> {
      yield 'half';
      throw new Error('the disk is gone');
    }
    const plan = planOfPieces({ 'a.txt': ['new'], 'b.txt': failing() });
    expect(() => writePlan(plan, { out, force: true })).toThrow('the disk is gone');
    expect(readdirSync(out)).toEqual(['a.txt']);
    expect(readFileSync(path.join(out, 'a.txt'), 'utf8')).toBe('old');
  });

  it('a folder that cannot be made is bad input, named', () => {
    const file = path.join(emptyFolder(), 'file');
    writeFileSync(file, '');
    expect(() => exportRun(run.folder, run.id, { format: 'csv', out: path.join(file, 'out'), force: false })).toThrow(
      /^export to ".*out": ENOTDIR/,
    );
  });

  it('images other than those of the run are refused, since the metadata would be wrong', () => {
    const stages = reading(run.folder, (store) => storedRun(store, run.id)).stages.map((stage) => ({
      ...stage,
      inputs: JSON.parse(
        JSON.stringify(stage.inputs).replace(/fingerprint\\":\\"../g, 'fingerprint\\":\\"zz'),
      ) as unknown,
    }));
    const { run: record, config } = reading(run.folder, (store) => storedRun(store, run.id));
    expect(() => dataFacts({ run: record, config, stages })).toThrow(
      /the files of fashion-mnist got the fingerprint .*, expected those that the run was made from; point PTW_DATA_DIR/,
    );
  });
});

/** Cells of a row of a LaTeX table, with how many columns each takes. */
function cellsOf(line: string): { text: string; columns: number }[] {
  return line
    .replace(/ \\\\$/, '')
    .split(' & ')
    .map((text) => ({ text, columns: Number(/^\\multicolumn\{(\d+)\}/.exec(text)?.[1] ?? 1) }));
}

/** Depth of braces that are not escaped never falls below 0 and ends there. */
function bracesBalance(text: string): boolean {
  let depth = 0;
  for (const brace of text.replace(/\\[{}\\]/g, '').replace(/[^{}]/g, '')) {
    depth += brace === '{' ? 1 : -1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

describe('latex', () => {
  it.each([
    ['50% & #1 $x$', '50\\% \\& \\#1 \\$x\\$'],
    ['a_b {c} \\d', 'a\\_b \\{c\\} \\textbackslash{}d'],
    ['~ ^ < > |', '\\textasciitilde{} \\textasciicircum{} \\textless{} \\textgreater{} \\textbar{}'],
    ['σ → 2 – 3', '$\\sigma$ $\\rightarrow$ 2 -- 3'],
  ])('text %s is set as it reads', (text, expected) => {
    expect(latexText(text)).toBe(expected);
  });

  it.each([
    ['A_V proved', '$A_{V}$ proved'],
    ['z_Δ', '$z_{\\Delta}$'],
    ['p_z', '$p_{z}$'],
    ['Rad.', 'Rad.'],
    ['not_a_symbol', 'not\\_a\\_symbol'],
  ])('the heading %s has its symbols in mathematics', (title, expected) => {
    expect(latexTitle(title)).toBe(expected);
  });

  it('is a booktabs table of as many columns in every row, with what the terminal shows', () => {
    const text = readFileSync(exported(run, 'latex').get('table.tex')!, 'utf8');
    const { rows } = showRun(run.folder, run.id);
    expect(bracesBalance(text)).toBe(true);
    expect(text.replace(/[^$]/g, '').replace(/\\\$/g, '').length % 2).toBe(0);
    const columns = REPORT_COLUMNS.length;
    expect(/\\begin\{tabular\}\{([lr]+)\}/.exec(text)![1]).toHaveLength(columns);
    const lines = text.split('\n').filter((line) => line.endsWith(' \\\\'));
    for (const line of lines) expect(cellsOf(line).reduce((sum, cell) => sum + cell.columns, 0)).toBe(columns);
    expect(lines.slice(2).map((line) => cellsOf(line).map((cell) => cell.text))).toEqual(
      rows.map((row) => REPORT_COLUMNS.map(({ cell }) => latexText(cellText(cell(row))))),
    );
    const rules = [...text.matchAll(/\\cmidrule\(lr\)\{(\d+)-(\d+)\}/g)].map(([, first, last]) => [
      Number(first),
      Number(last),
    ]);
    expect(rules[0][0]).toBe(3);
    expect(rules.at(-1)![1]).toBe(columns);
    rules.forEach(([first, last], i) =>
      expect([first <= last, i === 0 || first === rules[i - 1][1] + 1]).toEqual([true, true]),
    );
    expect(text.match(/\\(top|mid|bottom)rule/g)).toEqual(['\\toprule', '\\midrule', '\\midrule', '\\bottomrule']);
  });

  it('has a caption with the name, instances, draws, σ, α, and what the published rule is worth', () => {
    const text = readFileSync(exported(run, 'latex').get('table.tex')!, 'utf8');
    const caption = /\\caption\{(.*)\}\n/.exec(text)![1];
    for (const part of [
      'runs\\_of 50\\% \\& \\$more\\$ \\#1 \\{a\\} \\textbackslash{}b \\textasciitilde{}c \\textasciicircum{}d: $\\sigma$',
      'fashion-mnist $\\rightarrow$ mnist, wrn-10-1, 10 test instances a domain',
      '$n = 60$ draws, $n_0 = 20$ draws that choose the class, $\\sigma = 0.1$, $\\alpha = 10^{-4}$',
      "``$A_V$ paper'' is by the published rule, which is no proof under \\texttt{wn};",
    ]) {
      expect(caption).toContain(part);
    }
  });
});

interface SafetensorsFacts {
  readonly metadata: Record<string, string>;
  readonly arrays: Record<string, { shape: number[]; dtype: string; values: number[] }>;
}

describe.skipIf(python === null)('safetensors, read by the Python package', () => {
  it('hold the arrays of extractor and heads, with all that is needed to use them', async () => {
    const files = exported(run, 'safetensors');
    const [extractor, ...heads] = await readInPython<SafetensorsFacts>('safetensors', [...files.values()]);
    expect([...files.keys()].slice(0, 3)).toEqual([
      'extractor.safetensors',
      'source-1-layer-none.safetensors',
      'source-4-layer-wn.safetensors',
    ]);
    reading(run.folder, (store) => {
      const stored = storedRun(store, run.id);
      const trained = trainedExtractor(store, stored).extractor;
      expect(Object.keys(extractor.arrays).sort()).toEqual(Object.keys(trained).sort());
      for (const [name, { shape, data }] of Object.entries(trained)) {
        expect(extractor.arrays[name]).toEqual({ shape, dtype: 'float32', values: [...data] });
      }
      headsOf(stored).forEach((of, i) => {
        headWeights(store, stored, of).layers.forEach(({ inputs, outputs, weight, bias }, layer) => {
          expect(heads[i].arrays[`layer${layer + 1}.weight`]).toMatchObject({
            shape: [outputs, inputs],
            values: [...weight],
          });
          expect(heads[i].arrays[`layer${layer + 1}.bias`]).toMatchObject({ shape: [outputs], values: [...bias] });
        });
        expect(heads[i].metadata).toMatchObject({ domain: of.domain, label: of.head });
      });
    });
    const { mean, deviation } = JSON.parse(extractor.metadata['normalisation']) as Record<string, number[]>;
    // Of Fashion-MNIST's training images, as everyone has them; these are 200 of them.
    expect(mean[0]).toBeCloseTo(0.286, 1);
    expect(deviation[0]).toBeCloseTo(0.353, 1);
    expect(JSON.parse(extractor.metadata['config'])).toEqual(run.config);
    expect(JSON.parse(heads[3].metadata['class_names'])).toEqual(
      Array.from({ length: 10 }, (_, digit) => String(digit)),
    );
    expect(JSON.parse(heads[1].metadata['head'])).toEqual({ constraint: 'wn', bound: 1, groupSize: 2, layers: 4 });
    expect(extractor.metadata['stage']).toMatch(/^[0-9a-f]{64}$/);
    expect(heads[0].metadata['extractor_stage']).toBe(extractor.metadata['stage']);
  });
});

interface OnnxFacts {
  readonly opset: [string, number][];
  readonly inputs: Record<string, (string | number)[]>;
  readonly outputs: Record<string, (string | number)[]>;
  readonly metadata: Record<string, string>;
}

describe.skipIf(python === null)('onnx, checked by the Python package', () => {
  it('are valid models of opset 17 with a free batch and the normalisation beside them', async () => {
    const files = exported(run, 'onnx');
    const facts = await readInPython<OnnxFacts>('onnx', [...files.values()]);
    const images = ['N', 1, 28, 28];
    [...files.keys()].forEach((name, i) => {
      const { opset, inputs, outputs, metadata } = facts[i];
      expect(opset).toEqual([['', 17]]);
      const isHead = name.endsWith('-head.onnx');
      expect(inputs).toEqual(isHead ? { representations: ['N', 64] } : { images });
      expect(outputs).toEqual(name === 'extractor.onnx' ? { representations: ['N', 64] } : { logits: ['N', 10] });
      expect('deviation' in metadata).toBe(!isHead);
      expect(JSON.parse(metadata['config'])).toMatchObject({ name: NAME });
    });
  });
});
