import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fabricateFolder } from '../data/imageFolder/fabricate.ts';
import { emptyFolder, TINY } from '../workbench/tinyExperiment.ts';
import { PTW, ptw as ptwIn, ptwUntil, type Ended } from './ptw.ts';

const folder = emptyFolder();
const experiment = path.join(folder, 'tiny.json');
writeFileSync(experiment, JSON.stringify(TINY));

const ptw = (args: readonly string[], home = folder): Promise<Ended> => ptwIn(args, home);
const runUntil = (line: RegExp, home: string) => ptwUntil(line, ['run', experiment], home);

describe('bad input', () => {
  it.each([
    ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
    ['a run that is no number', ['show', 'x'], /expected the number of a run; list them with: ptw runs/],
    [
      'an experiment that is neither preset nor file',
      ['run', 'nope'],
      /"nope" is neither a preset nor a file; presets are: demo/,
    ],
    ['an unknown key', ['run', 'demo', '--set', 'sigma=1'], /sigma: unknown key \(allowed: name, seed/],
    [
      'too few draws',
      ['run', 'demo', '--set', 'certification.draws=9'],
      /certification\.draws: got 9.*smallest n that can certify is 22/,
    ],
    [
      'a rule that fits no head',
      ['run', 'demo', '--set', 'certification.rules=["paper"]'],
      /certification\.rules: got \[paper\].*heads\.0/,
    ],
    ['an index that is no number', ['certificate', '1', '-1x'], /unknown option|expected the position/],
    ['an unknown domain', ['certificate', '1', '1', '--domain', 'mars'], /Allowed choices are source, target/],
    ['an unknown format', ['export', '1', '--format', 'xls', '--out', 'x'], /Allowed choices are json, csv/],
  ])('%s ends with 2 and says what is allowed', async (_, args, message) => {
    const { code, stdout, stderr } = await ptw(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('a folder without a database ends with 1 and says how to begin', async () => {
    const { code, stderr } = await ptw(['runs'], emptyFolder());
    expect(stderr).toMatch(/^no database at .*nothing was run yet here; start with ptw run demo\n$/);
    expect(code).toBe(1);
  });

  it('a file that is no database ends with 1, one sentence, and the file as it was', async () => {
    const home = emptyFolder();
    const file = path.join(home, 'workbench.sqlite');
    writeFileSync(file, 'this is no database, and must stay as it is'.repeat(40));
    const before = readFileSync(file);
    const { code, stderr } = await ptw(['runs'], home);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/is damaged or is no database|is not a database/);
    expect(code).toBe(1);
    expect(readFileSync(file)).toEqual(before);
  });
});

describe('a finished run', () => {
  let run: Ended;
  beforeAll(async () => {
    run = await ptw(['run', experiment]);
  });

  it('prints its table and what to do next on standard output, and progress on standard error', () => {
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/A_V proved/);
    expect(run.stdout).toMatch(/target.*4-layer wn/);
    expect(run.stdout).toMatch(/npx ptw certificate 1 \d+/);
    expect(run.stdout).toMatch(/Attacked/);
    expect(run.stdout).toMatch(
      /Noise attack: the worst of 8 draws, sphere of radius 0\.1\.\nPGD: 3 steps, radius 0\.1\./,
    );
    expect(run.stdout).toMatch(/PGD's self-checks passed: zero-gradients|PGD may be too weak on source, 1-layer none:/);
    expect(run.stdout).toMatch(/Adversarial representations[^]*target.*1-layer none.*100\.0/);
    expect(run.stdout).not.toMatch(/epoch/);
    expect(run.stderr).toMatch(/^Backend: /);
    expect(run.stderr).toMatch(/epoch 2, training loss/);
  });

  it('is shown and listed, for people and as JSON', async () => {
    expect((await ptw(['show', '1'])).stdout).toBe(run.stdout);
    expect((await ptw(['runs'])).stdout).toMatch(/1 .*tiny.*done.*23\/23/);
    const shown = JSON.parse((await ptw(['--json', 'show', '1'])).stdout) as { rows: unknown[] };
    expect(shown.rows).toHaveLength(4);
    const listed = JSON.parse((await ptw(['--json', 'runs'])).stdout) as { status: string }[];
    expect(listed.map(({ status }) => status)).toEqual(['done']);
  });

  it('has shares with Wilson intervals as JSON, and curves', async () => {
    const { rows } = JSON.parse((await ptw(['--json', 'show', '1'])).stdout) as {
      rows: { baseAccuracy: { hits: number; total: number; interval: { lower: number; upper: number } } }[];
    };
    for (const { baseAccuracy } of rows) {
      const { hits, total, interval } = baseAccuracy;
      expect(interval.lower).toBeLessThanOrEqual(hits / total);
      expect(interval.upper).toBeGreaterThanOrEqual(hits / total);
      expect(interval.upper - interval.lower).toBeGreaterThan(0.2);
    }
    const { stdout } = await ptw(['curve', '1', '--domain', 'target']);
    expect(stdout).toMatch(/0σ.*0\.25σ/);
    expect(stdout).toMatch(/target.*4-layer wn.*representation.*paper, no proof/);
    expect(stdout).not.toMatch(/source/);
    const label = await ptw(['--json', 'curve', '1', '--method', 'label']);
    const { curves } = JSON.parse(label.stdout) as { curves: { method: string; steps: object[] }[] };
    expect(curves.map(({ method }) => method)).toEqual(['label', 'label', 'label', 'label']);
    expect(curves[0].steps[0]).toMatchObject({ radiusNormalised: 0, certified: { total: 10 } });
    expect((await ptw(['curve', '1', '--head', 'nope'])).code).toBe(2);
  });

  it('opens a certificate down to its evidence', async () => {
    const [, index] = /ptw certificate 1 (\d+)/.exec(run.stdout)!;
    const text = (await ptw(['certificate', '1', index])).stdout;
    expect(text).toMatch(/of 60 votes for "\d", p ≥ 0\.\d{4}/);
    expect(text).toMatch(/representation.*paper.*falsified: at z within (even the smallest|the) box "\d" wins/);
    expect(text).toMatch(/noise attack|wrong without an attack/);
    const report = JSON.parse((await ptw(['--json', 'certificate', '1', index, '--head', '4-layer wn'])).stdout) as {
      heads: { certificates: { method: string; evidence: Record<string, unknown> }[] }[];
    };
    const box = report.heads[0].certificates.find(({ method }) => method === 'representation')!;
    expect(box.evidence['lower']).toHaveLength(64);
    expect(box.evidence).toMatchObject({ seed: 3, draws: 60, selectionDraws: 20 });
  });

  it('says which instances and heads there are when asked for another', async () => {
    const none = await ptw(['certificate', '1', '9999']);
    expect(none.stderr).toMatch(
      /test image 9999 of the target was not certified by run 1; its 10 instances begin with \d+/,
    );
    const head = await ptw(['certificate', '1', '1', '--head', '9-layer']);
    expect(head.stderr).toMatch(/has no head "9-layer" on the target; there are: "1-layer none", "4-layer wn"/);
    expect([none.code, head.code]).toEqual([2, 2]);
  });

  it('is verified from its evidence, and by drawing again bit for bit', async () => {
    const { code, stdout } = await ptw(['verify', '1', '--redraw']);
    expect(stdout).toMatch(/(\d+) verdicts computed anew from their evidence, \1 agree\./);
    expect(stdout).toMatch(/: (\d+) of \1 certificates are equal bit for bit\./);
    expect(stdout).toMatch(/Every certificate stands\./);
    expect(code).toBe(0);
  });

  it('is exported as CSV and JSON, and never over files that are there', async () => {
    const out = path.join(emptyFolder(), 'deep', 'results');
    expect((await ptw(['export', '1', '--format', 'csv', '--out', out])).code).toBe(0);
    expect((await ptw(['export', '1', '--format', 'json', '--out', out])).code).toBe(0);
    const names = [
      'adversarial-search',
      'certificates',
      'curves',
      'epochs',
      'noise-attack',
      'pgd',
      'predictions',
      'table',
    ].map((name) => `run-1-${name}.csv`);
    expect(readdirSync(out).sort()).toEqual([...names, 'run-1.json'].sort());
    const document = JSON.parse(readFileSync(path.join(out, 'run-1.json'), 'utf8')) as { certificates: unknown[] };
    const lines = readFileSync(path.join(out, 'run-1-certificates.csv'), 'utf8').trim().split('\n');
    expect(document.certificates).toHaveLength(lines.length - 1);
    const again = await ptw(['export', '1', '--format', 'csv', '--out', out]);
    expect(again.stderr).toMatch(/is there already; choose another --out, or replace it with --force/);
    expect(again.code).toBe(2);
    expect((await ptw(['export', '1', '--format', 'csv', '--out', out, '--force'])).code).toBe(0);
  });
});

describe('a run that is cut off', () => {
  it('by Ctrl-C ends with 130 and is resumed by its number', async () => {
    const home = emptyFolder();
    const { child, said } = await runUntil(/epoch 1/, home);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(said()).toMatch(/run 1 was interrupted; what was done is kept, go on with: ptw resume 1/);
    expect(code).toBe(130);
    expect((await ptw(['runs'], home)).stdout).toMatch(/interrupted/);
    const resumed = await ptw(['resume', '1'], home);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toMatch(/Run 1: tiny \(done/);
  });

  it('by SIGKILL of the program itself is found interrupted, resumed, and verified', async () => {
    const home = emptyFolder();
    const { child } = await runUntil(/Certificates, target/, home);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await ptw(['resume', '1'], home)).stdout).toMatch(/Run 1: tiny \(done/);
    expect((await ptw(['verify', '1'], home)).code).toBe(0);
  });
});

it('a reader that goes away before the end, as head does, is no error', async () => {
  const child = spawn(process.execPath, [PTW, 'data', 'list'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(said).toBe('');
  expect(code).toBe(0);
});

it('data list names every set and what serves', async () => {
  const { stdout, code } = await ptw(['data', 'list']);
  expect(stdout).toMatch(/fashion-mnist.*28×28×1/);
  expect(stdout).toMatch(/mnist.*28×28×1/);
  expect(code).toBe(0);
});

it('data list says of a folder what it is as a data set, or why it is none', async () => {
  const root = fabricateFolder({ height: 6, width: 5, channels: 3, classes: ['no', 'yes'], train: 3, test: 2 });
  const { stdout, code } = await ptw(['data', 'list', root]);
  expect(stdout).toMatch(/ptw-images-.*6×5×3.*folder.*6.*4.*no, yes/);
  expect(stdout).not.toMatch(/PTW_DATA/);
  expect(code).toBe(0);
  writeFileSync(path.join(root, 'train/no/0001.png'), 'x');
  const refused = await ptw(['data', 'list', root]);
  expect(refused.stderr).toMatch(/reading an image \(.*train\/no\/0001\.png, byte 0\): first bytes: got 78/);
  expect(refused.code).toBe(2);
});

it('a folder of an assignment is taken relative to the working directory', async () => {
  const { stderr, code } = await ptw(['run', experiment, '--set', 'source.dataset.folder=no-such-folder']);
  expect(stderr).toContain(path.resolve('no-such-folder'));
  expect(code).toBe(2);
});

it('doctor says which backend serves, and a reason and a cure for each that does not', async () => {
  const { stdout } = await ptw(['--json', 'doctor']);
  const { serving } = JSON.parse(stdout) as {
    serving: { name: string; notChosen: { reason: string; cure: string }[] };
  };
  expect(['tensorflow', 'webgpu', 'wasm']).toContain(serving.name);
  for (const { reason, cure } of serving.notChosen) expect([reason, cure].every((text) => text.length > 10)).toBe(true);
});
