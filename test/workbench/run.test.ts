import Database from 'better-sqlite3';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RULES } from '../../src/shared/config.ts';
import type { CertificateRecord } from '../../src/shared/results.ts';
import type { RunReporter } from '../../src/main/workbench/runInProgress.ts';
import { DATABASE_NAME } from '../../src/main/store/store.ts';
import { storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { resumeRun, showRun, startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, SILENT, tinyConfig } from './tinyExperiment.ts';

/** Everything a run certified, with its evidence, by stage key. */
function certificatesOf(folder: string, id: number): Map<string, CertificateRecord[]> {
  return reading(folder, (store) => {
    const stages = storedRun(store, id).stages.filter(({ kind }) => kind === 'certification');
    return new Map(stages.map(({ id: stage, key }) => [key, [...store.results.iterateCertificates(stage)]]));
  });
}

/** Everything that attacks and searches found, by stage key. */
function attacksOf(folder: string, id: number): Map<string, readonly unknown[]> {
  return reading(folder, (store) => {
    const { results } = store;
    const read = {
      'noise-attack': (stage: number) => results.noiseAttacks(stage),
      pgd: (stage: number) => results.pgd(stage),
      'adversarial-search': (stage: number) => results.adversarialSearches(stage),
    };
    const stages = storedRun(store, id).stages.flatMap(({ id: stage, key, kind }) =>
      kind in read ? [[key, read[kind as keyof typeof read](stage)] as const] : [],
    );
    return new Map(stages);
  });
}

const undisturbed = { folder: emptyFolder(), id: 0 };
beforeAll(async () => {
  undisturbed.id = await startRun(undisturbed.folder, tinyConfig(), quietHost());
});

describe('a run', () => {
  it('fills every cell of its table, for both domains and all heads', () => {
    const { run, rows } = showRun(undisturbed.folder, undisturbed.id);
    expect(run.status).toBe('done');
    expect(rows.map(({ domain, head }) => `${domain} ${head}`)).toEqual([
      'source 1-layer none',
      'source 4-layer wn',
      'target 1-layer none',
      'target 4-layer wn',
    ]);
    for (const row of rows) {
      for (const share of [
        row.baseAccuracy,
        row.label?.certified,
        row.representation?.median,
        row.representation?.proved,
        row.logit?.certified,
        row.pairwise?.certified,
        row.noise,
        row.pgd,
      ]) {
        expect(share).toMatchObject({ total: 10 });
      }
      expect(row.representation?.paper === null).toBe(row.head.endsWith('none'));
      const { falsified } = row.representation!;
      if (row.head.endsWith('none')) expect(falsified).toBeNull();
      else expect(falsified!.atSmallestBox.hits).toBeLessThanOrEqual(falsified!.atRadius.hits);
      expect(row.pgd!.hits).toBeLessThanOrEqual(row.baseAccuracy!.hits);
      expect(row.noise!.hits).toBeLessThanOrEqual(row.baseAccuracy!.hits);
      expect(row.selfChecks!.made).toContain('weaker-than-noise');
      if (row.head.startsWith('4')) expect(row.search).toBeNull();
      else expect(row.search!.representations).toEqual({ hits: row.baseAccuracy!.hits, total: row.baseAccuracy!.hits });
      if (row.head.startsWith('1')) expect(row.search!.inputs).toMatchObject({ total: row.baseAccuracy!.hits });
    }
  });

  it('stores the self-checks of PGD with its stage, as its table shows them', () => {
    const { rows } = showRun(undisturbed.folder, undisturbed.id);
    const stored = reading(undisturbed.folder, (store) =>
      storedRun(store, undisturbed.id).stages.flatMap(({ kind, metrics }) => (kind === 'pgd' ? [metrics] : [])),
    );
    expect(stored).toEqual(rows.map(({ selfChecks }) => ({ selfChecks })));
  });

  it('gives the same certificates again in another database, bit for bit', async () => {
    const folder = emptyFolder();
    const id = await startRun(folder, tinyConfig(), quietHost());
    expect(certificatesOf(folder, id)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
  });

  it('gives the same results when two engines share the work, of a thread each', async () => {
    const folder = emptyFolder();
    vi.stubEnv('PTW_ENGINES', '2');
    try {
      let engines = 0;
      const id = await startRun(
        folder,
        tinyConfig(),
        quietHost({ opened: ({ backend }) => (engines = backend.engines) }),
      );
      expect(engines).toBe(2);
      expect(certificatesOf(folder, id)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
      expect(attacksOf(folder, id)).toEqual(attacksOf(undisturbed.folder, undisturbed.id));
      expect(showRun(folder, id).rows).toEqual(showRun(undisturbed.folder, undisturbed.id).rows);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('certifies every instance under every head by every method that applies', () => {
    const headOf = reading(undisturbed.folder, (store) => {
      const { stages } = storedRun(store, undisturbed.id);
      return new Map(stages.map(({ key, headLabel }) => [key, headLabel]));
    });
    for (const [key, records] of certificatesOf(undisturbed.folder, undisturbed.id)) {
      expect(new Set(records.map(({ datasetIndex }) => datasetIndex)).size).toBe(10);
      const methods = new Set(records.map(({ method, rule }) => `${method} ${rule ?? ''}`.trim()));
      const rules = RULES.filter((rule) => rule !== 'paper' || headOf.get(key) === '4-layer wn');
      expect([...methods].sort()).toEqual(
        ['label', 'logit', 'pairwise', ...rules.map((rule) => `representation ${rule}`)].sort(),
      );
    }
  });
});

/** Work that is interrupted at a named piece, after some progress in it. */
function meddling(title: RegExp, after: number, act: () => void): RunReporter {
  let inside = false;
  return {
    ...SILENT,
    began: (work) => (inside = title.test(work.title) && !work.reused),
    progress: (done) => {
      if (inside && done >= after) {
        inside = false;
        act();
      }
    },
  };
}

/** Without what is said of a config before anything begins. */
const saidOnTheWay = (notices: readonly string[]): string[] =>
  notices.filter((text) => !text.startsWith('certification.sigma is') && !text.startsWith('n = '));

describe('a run whose engine is killed', () => {
  it.each([
    ['while the extractor trains', /^Extractor/, 8],
    ['while heads train', /^Heads on mnist/, 8],
    ['while it certifies', /^Certificates, source/, 4],
  ])(
    '%s goes on with another one, saying so, and ends with the certificates of an undisturbed run',
    async (_, title, after) => {
      const folder = emptyFolder();
      let pid = 0;
      const notices: string[] = [];
      const reporter = {
        ...meddling(title, after, () => process.kill(pid, 'SIGKILL')),
        notice: (text: string) => void notices.push(text),
      };
      const host = quietHost({ reporter, opened: (engines) => ([pid] = engines.pids()) });
      await startRun(folder, tinyConfig(), host);
      expect(saidOnTheWay(notices)).toEqual([
        'the engine was ended by SIGKILL (the system does that when memory runs out); ' +
          'it was started again and goes on from what is committed, with passes half the size',
      ]);
      expect(showRun(folder, 1).run).toMatchObject({ status: 'done', failure: null });
      expect(certificatesOf(folder, 1)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
    },
  );

  it('each time before it has a result is failed with one sentence, and resumes', async () => {
    const folder = emptyFolder();
    let pids = (): readonly number[] => [];
    const inTraining = { ...SILENT, progress: () => process.kill(pids().at(-1)!, 'SIGKILL') };
    const host = quietHost({ reporter: inTraining, opened: (engines) => (pids = () => engines.pids()) });
    await expect(startRun(folder, tinyConfig(), host)).rejects.toThrow(
      /^run 1 failed: the engine was ended by SIGKILL.*, 3 times in a row without a result between; what was committed is kept, go on with: ptw resume/,
    );
    expect(showRun(folder, 1).run).toMatchObject({ status: 'failed' });
    await resumeRun(folder, 1, quietHost());
    expect(certificatesOf(folder, 1)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
  });
});

describe('a run whose weights are damaged', () => {
  it('trains them again when it is resumed, and keeps its certificates', async () => {
    const folder = emptyFolder();
    cpSync(undisturbed.folder, folder, { recursive: true });
    const files = readdirSync(path.join(folder, 'artefacts'), { recursive: true, withFileTypes: true });
    const [file] = files.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
    const whole = readFileSync(file);
    writeFileSync(file, whole.with(1000, whole[1000] ^ 1));
    const notices: string[] = [];
    const reporter = { ...SILENT, notice: (text: string) => void notices.push(text) };
    await resumeRun(folder, undisturbed.id, quietHost({ reporter }));
    expect(saidOnTheWay(notices)).toEqual([
      expect.stringMatching(/^read artefact: the SHA-256 of .*; it is trained again$/),
    ]);
    expect(readFileSync(file).equals(whole)).toBe(true);
    expect(certificatesOf(folder, undisturbed.id)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
  });
});

/** As a version that committed head by head left it: the source's first head has lost some instances that the others have. */
function loseSome(folder: string, indices: readonly number[]): void {
  const db = new Database(path.join(folder, DATABASE_NAME));
  const kind = "kind = 'certification' AND domain = 'source'";
  const stage = db.prepare(`SELECT id FROM stage WHERE ${kind} ORDER BY id`).pluck().get() as number;
  const lost = `stage_id = ${stage} AND dataset_index IN (${indices.join()})`;
  db.exec(`PRAGMA foreign_keys = OFF;
    DELETE FROM evidence_array WHERE certificate_id IN (SELECT id FROM certificate WHERE ${lost});
    DELETE FROM certificate_evidence WHERE certificate_id IN (SELECT id FROM certificate WHERE ${lost});
    DELETE FROM falsification WHERE certificate_id IN (SELECT id FROM certificate WHERE ${lost});
    DELETE FROM certificate WHERE ${lost};
    UPDATE stage SET status = 'pending' WHERE id = ${stage};
    UPDATE run SET status = 'interrupted' WHERE id = 1;`);
  db.close();
}

describe('a run in which some instances are certified under one head and not under the other', () => {
  it('is resumed under the head that lacks them', async () => {
    const folder = emptyFolder();
    cpSync(undisturbed.folder, folder, { recursive: true });
    const before = certificatesOf(folder, 1);
    const [records] = before.values();
    loseSome(
      folder,
      [0, 1, 2].map((at) => records[at * (records.length / 10)].datasetIndex),
    );
    expect(certificatesOf(folder, 1)).not.toEqual(before);
    let instances = 0;
    const reporter = { ...SILENT, progress: (_done: number, total: number) => void (instances = total) };
    await resumeRun(folder, 1, quietHost({ reporter }));
    expect(instances).toBe(3);
    expect(certificatesOf(folder, 1)).toEqual(before);
  });
});

describe('a run that is told to stop', () => {
  it('is interrupted between two instances, keeps those that were committed, and resumes', async () => {
    const folder = emptyFolder();
    const abort = new AbortController();
    const reporter = meddling(/^Certificates, source/, 3, () => abort.abort());
    await expect(startRun(folder, tinyConfig(), quietHost({ reporter, signal: abort.signal }))).rejects.toThrow(
      'run 1 was interrupted; what was done is kept, go on with: ptw resume 1',
    );
    const { run } = showRun(folder, 1);
    expect(run.status).toBe('interrupted');
    expect(run.certificates).toBeGreaterThan(0);
    await resumeRun(folder, 1, quietHost());
    expect(certificatesOf(folder, 1)).toEqual(certificatesOf(undisturbed.folder, undisturbed.id));
  });

  it.each([
    ['a noise attack', /^Noise attack, target/, 4],
    ['an input search', /^Adversarial representations, source/, 2],
  ])('in the middle of %s, and ends with what an undisturbed run found', async (_, title, after) => {
    const folder = emptyFolder();
    const abort = new AbortController();
    const reporter = meddling(title, after, () => abort.abort());
    await expect(startRun(folder, tinyConfig(), quietHost({ reporter, signal: abort.signal }))).rejects.toThrow(
      'run 1 was interrupted',
    );
    const kept = [...attacksOf(folder, 1).values()].map((records) => records.length);
    const all = [...attacksOf(undisturbed.folder, undisturbed.id).values()].map((records) => records.length);
    expect(kept.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    expect(kept.reduce((sum, count) => sum + count, 0)).toBeLessThan(all.reduce((sum, count) => sum + count, 0));
    await resumeRun(folder, 1, quietHost());
    expect(attacksOf(folder, 1)).toEqual(attacksOf(undisturbed.folder, undisturbed.id));
  });
});

describe('stages', () => {
  /** Titles of the pieces of work that a run did, and that it found done. */
  async function workOf(
    folder: string,
    change: Parameters<typeof tinyConfig>[0],
  ): Promise<{ did: string[]; reused: string[] }> {
    const did: string[] = [];
    const reused: string[] = [];
    const reporter = {
      ...SILENT,
      began: (work: { title: string; reused: boolean }) => (work.reused ? reused : did).push(work.title),
    };
    await startRun(folder, tinyConfig(change), quietHost({ reporter }));
    return { did, reused };
  }

  it('are reused by a run with another head, which trains, attacks and certifies that head alone', async () => {
    const heads = [
      { layers: 1, constraint: 'none' } as const,
      { layers: 4, constraint: 'wn' } as const,
      { layers: 1, constraint: 'wn-l1', temperature: 30 } as const,
    ];
    const { did, reused } = await workOf(undisturbed.folder, { heads });
    expect(reused).toEqual(expect.arrayContaining(['Extractor wrn-10-1 on fashion-mnist', 'PGD, target, 4-layer wn']));
    expect(did).toContain('Adversarial representations, target, 1-layer wn-l1, temperature 30');
    expect(reused).toContain('Adversarial representations, target, 1-layer none');
    expect(did.filter((title) => title.startsWith('PGD'))).toEqual([
      'PGD, source, 1-layer wn-l1, temperature 30',
      'PGD, target, 1-layer wn-l1, temperature 30',
    ]);
    const before = certificatesOf(undisturbed.folder, undisturbed.id);
    const after = certificatesOf(undisturbed.folder, undisturbed.id + 1);
    for (const [key, records] of before) expect(after.get(key)).toEqual(records);
    expect(after.size).toBe(before.size + 2);
  });

  it('are reused by a run with other certification settings, which only certifies', async () => {
    const { did } = await workOf(undisturbed.folder, { certification: { draws: 60, selectionDraws: 20, sigma: 0.2 } });
    expect(did).toEqual(['Certificates, source', 'Certificates, target']);
  });
});

describe('refusals', () => {
  it('a set that is not there is refused before anything is trained, with its folder and the cure', async () => {
    process.env['PTW_DATA'] = 'full';
    process.env['PTW_DATA_DIR'] = emptyFolder();
    try {
      await expect(startRun(emptyFolder(), tinyConfig({ target: { dataset: 'mnist' } }), quietHost())).rejects.toThrow(
        /looking for the full .*mnist.*expected train-images-idx3-ubyte.*ptw data get .*put them there/,
      );
    } finally {
      delete process.env['PTW_DATA'];
      delete process.env['PTW_DATA_DIR'];
    }
  });

  it('a run that another process works on is not resumed', async () => {
    const folder = emptyFolder();
    const pending = startRun(folder, tinyConfig(), quietHost());
    const refused = new Promise<unknown>((resolve) => {
      const look = setInterval(() => {
        try {
          if (showRun(folder, 1).run.status !== 'running') return;
        } catch {
          return;
        }
        clearInterval(look);
        resumeRun(folder, 1, quietHost()).then(resolve, resolve);
      }, 50);
    });
    expect(String(await refused)).toMatch(/run 1/);
    await pending;
  });
});
