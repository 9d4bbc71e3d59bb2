import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { TINY_STUDY } from '../workbench/studies/tinyStudy.ts';
import { emptyFolder } from '../workbench/tinyExperiment.ts';
import { ptw, ptwUntil } from './ptw.ts';

const folder = emptyFolder();
const study = path.join(folder, 'study.json');
writeFileSync(study, JSON.stringify(TINY_STUDY));

describe('bad input', () => {
  it.each([
    [
      'a study that is neither preset nor file',
      ['study', 'nope'],
      /neither a study's preset nor a file; presets are: mini, paper-table-1/,
    ],
    ['an unknown key of the base', ['study', study, '--set', 'sigma=1'], /sigma: unknown key .* – in all 2 runs/],
    ['a key that the grid gives', ['study', study, '--dry-run', '--set', 'seed=1'], /base\.seed: the grid gives it/],
    ['a number that is none', ['study', 'show', 'x'], /expected the number of a study; list them with: ptw studies/],
  ])('%s ends with 2 and says what is allowed', async (_, args, message) => {
    const home = emptyFolder();
    const { code, stdout, stderr } = await ptw(args, home);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([stdout, code]).toEqual(['', 2]);
    expect(existsSync(path.join(home, 'workbench.sqlite'))).toBe(false);
  });
});

describe('a plan', () => {
  it('needs no database and no data, and makes neither', async () => {
    const home = emptyFolder();
    const { code, stdout } = await ptw(['study', 'paper-table-1', '--dry-run'], home);
    expect(code).toBe(0);
    expect(stdout).toMatch(/16 runs with 80 stages, of which 80 differ; 0 of those are stored already/);
    expect(stdout).toMatch(/extractor: .* \(estimate: nothing of the kind is stored yet\)/);
    expect(stdout).toMatch(/svhn: get it with "ptw data get svhn"/);
    expect(readdirSync(home)).toEqual([]);
  });
});

describe('a study', () => {
  const home = emptyFolder();
  beforeAll(async () => {
    const { child, said } = await ptwUntil(/\[2\/2\][\s\S]*Extractor .* …/, ['study', study], home);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect(said()).toMatch(/study 1 was interrupted with 1 of 2 runs done; .*go on with: ptw study resume 1\n$/);
    expect(code).toBe(130);
  });

  it('interrupted by Ctrl-C is resumed where it ended, and prints its table', async () => {
    expect((await ptw(['studies'], home)).stdout).toMatch(/1 .*tiny study *│ 1 .*│ 0 .*│ 1 /);
    const out = path.join(folder, 'tables');
    const { code, stdout, stderr } = await ptw(['study', 'resume', '1', '--out', out], home);
    expect(stderr).toMatch(/\[1\/2\] fashion-mnist → mnist, normal: done already, as run 1/);
    expect(stdout).toMatch(/Study 1: tiny study \(2 of 2 runs done\)/);
    expect(stdout).toMatch(/4-layer wn *│ noise/);
    expect(stdout).toMatch(/No row has a published counterpart/);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['study-1-accuracy.csv', 'study-1-accuracy.tex', 'study-1.json']);
  });

  it('is named by its runs', async () => {
    expect((await ptw(['show', '2'], home)).stdout).toMatch(/Part of study 1: npx ptw study show 1\n/);
  });

  it('is shown again from the store, as one JSON document too', async () => {
    expect((await ptw(['study', 'show', '1'], home)).stdout).toMatch(/2 of 2 runs done/);
    const { stdout } = await ptw(['--json', 'study', 'show', '1'], home);
    const document = JSON.parse(stdout) as { runs: { status: string }[]; tables: { kind: string }[] };
    expect(document.runs.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(document.tables.map(({ kind }) => kind)).toEqual(['accuracy']);
  });
});
