import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../src/shared/config.ts';
import { EXPORT_FORMATS } from '../../src/main/workbench/export/exportRun.ts';
import { instanceReport } from '../../src/main/workbench/instanceCertificates.ts';
import { loadExperiment } from '../../src/main/workbench/presets.ts';
import { holds, verifyRun } from '../../src/main/workbench/verifyRun.ts';
import { storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { resumeRun, showRun, startRun } from '../../src/main/workbench/workbench.ts';
import { fabricateFolder, patchImage, pngFile } from '../data/imageFolder/fabricate.ts';
import { pythonWithPackages } from '../python.ts';
import { exported } from './export/exportedRun.ts';
import { emptyFolder, quietHost, SILENT, TINY } from './tinyExperiment.ts';

const python = await pythonWithPackages();
const redraw = { redraw: true, reporter: SILENT, signal: new AbortController().signal };

const SOURCE = { classes: ['ash', 'birch', 'cedar'], height: 12, width: 10, channels: 3, train: 24, test: 6 } as const;
const TARGET = { classes: ['1', '2', '3', '4', '5'], height: 9, width: 14, channels: 3, train: 14, test: 4 } as const;

/** A config file whose folders lie beside it. @returns the file */
function experimentIn(place: string): string {
  const { source: _source, target: _target, ...rest } = TINY;
  const file = path.join(place, 'experiment.json');
  const folders = { source: { dataset: { folder: 'trees' } }, target: { dataset: { folder: './marks' } } };
  writeFileSync(file, JSON.stringify({ ...rest, ...folders }));
  return file;
}

const keysOf = (home: string, id: number): string[] =>
  reading(home, (store) => storedRun(store, id).stages.map(({ key }) => key));

describe('a run from a folder of three classes to one of five', () => {
  const place = emptyFolder();
  const home = emptyFolder();
  let config: ExperimentConfig;
  let run: { folder: string; id: number; config: ExperimentConfig };
  beforeAll(async () => {
    fabricateFolder(SOURCE, path.join(place, 'trees'));
    fabricateFolder(TARGET, path.join(place, 'marks'));
    config = loadExperiment(experimentIn(place));
    run = { folder: home, id: await startRun(home, config, quietHost()), config };
  });

  it('takes folders relative to the file of the config', () => {
    expect(config.source.dataset).toEqual({ folder: path.join(place, 'trees') });
    expect(config.target.dataset).toEqual({ folder: path.join(place, 'marks') });
  });

  it('fills its table', () => {
    const { rows } = showRun(home, run.id);
    expect(rows).toHaveLength(4);
    for (const { baseAccuracy, label, representation, logit, pairwise, pgd } of rows) {
      for (const share of [
        baseAccuracy,
        label?.certified,
        representation?.proved,
        logit?.certified,
        pairwise?.certified,
        pgd,
      ])
        expect(share).toMatchObject({ total: 10 });
    }
  });

  it.each([
    ['source', SOURCE.classes],
    ['target', TARGET.classes],
  ] as const)('certifies %s images among its own classes, which it names', (domain, classes) => {
    const reports = reading(home, (store) => {
      const stage = storedRun(store, run.id).stages.find(
        (one) => one.kind === 'certification' && one.domain === domain,
      )!;
      return store.results
        .certifiedIndices(stage.id)
        .map((datasetIndex) => instanceReport(store, run.id, { datasetIndex, domain, head: null }));
    });
    expect(reports).toHaveLength(10);
    // Classes lie one after the other in the test part.
    const perClass = { source: SOURCE.test, target: TARGET.test }[domain];
    for (const { classNames, dataset, datasetIndex, label, heads } of reports) {
      expect(classNames).toEqual(classes);
      expect(dataset).toBe({ source: 'trees', target: 'marks' }[domain]);
      expect(label).toBe(Math.floor(datasetIndex / perClass));
      for (const { certificates, prediction } of heads) {
        expect(prediction!.logits).toHaveLength(classes.length);
        const votes = certificates.find(({ method }) => method === 'label')!.evidence;
        expect('counts' in votes && votes.counts.length).toBe(classes.length);
      }
    }
  });

  it('has certificates that hold, and the same ones when drawn again', async () => {
    const verification = await verifyRun(home, run.id, redraw);
    expect(verification.redraw).toMatchObject({ disagreements: [], sameOutcome: 0 });
    expect(verification.redraw!.identical).toBe(verification.rechecked);
    expect(holds(verification)).toBe(true);
  });

  it('is exported in every format, with the names of its sets and classes', () => {
    for (const format of EXPORT_FORMATS) expect(exported(run, format).size).toBeGreaterThan(0);
    expect(readFileSync(exported(run, 'latex').get('table.tex')!, 'utf8')).toContain('trees $\\rightarrow$ marks');
    const manifest = JSON.parse(readFileSync(exported(run, 'evidence').get('evidence/manifest.json')!, 'utf8')) as {
      domains: Record<string, unknown>;
    };
    expect(manifest.domains).toMatchObject({
      source: { dataset: 'trees', classNames: SOURCE.classes, shape: { height: 12, width: 10, channels: 3 } },
      target: { dataset: 'marks', classNames: TARGET.classes, shape: { height: 12, width: 10, channels: 3 } },
    });
    expect(readFileSync(exported(run, 'evidence').get('evidence/README.md')!, 'utf8')).toMatch(
      /"trees" and "marks": a folder of images\. Its test images are counted from 0/,
    );
    const model = readFileSync(exported(run, 'onnx').get('target-1-layer-none-model.onnx')!);
    for (const word of ['marks', JSON.stringify(TARGET.classes)]) expect(model.includes(word)).toBe(true);
  });

  it.skipIf(python === null)('has evidence that verify.py finds sound', async () => {
    const script = exported(run, 'evidence').get('evidence/verify.py')!;
    const { status, output } = await python!([script]);
    expect(output).not.toMatch(/does not follow/);
    expect(status).toBe(0);
  });

  it('is found again by its images, wherever they lie', async () => {
    const other = emptyFolder();
    for (const name of ['trees', 'marks']) cpSync(path.join(place, name), path.join(other, name), { recursive: true });
    const worked: string[] = [];
    const reporter = {
      ...SILENT,
      began: ({ title, reused }: { title: string; reused: boolean }) => {
        if (!reused) worked.push(title);
      },
    };
    const id = await startRun(home, loadExperiment(experimentIn(other)), quietHost({ reporter }));
    expect(keysOf(home, id)).toEqual(keysOf(home, run.id));
    expect(worked).toEqual([]);
  });

  describe('whose target has changed', () => {
    const image = (): string => path.join(place, 'marks/test/3/0002.png');
    beforeAll(() => {
      const { height, width, channels } = TARGET;
      writeFileSync(image(), pngFile(patchImage(2, 4_711, { height, width, channels })));
    });
    const refusal =
      /the images of .*marks are not those that the run was made from \(fingerprint: got [0-9a-f]{64}, expected [0-9a-f]{64}\); put the folder back as it was, or start a new run/;

    it('is shown as before', () => {
      expect(showRun(home, run.id).rows).toHaveLength(4);
    });
    it('is not drawn again', async () => {
      await expect(verifyRun(home, run.id, redraw)).rejects.toThrow(refusal);
    });
    it('is not exported with what the images say', () => {
      expect(() => exported(run, 'onnx')).toThrow(refusal);
    });
    it('is not gone on with', async () => {
      await expect(resumeRun(home, run.id, quietHost())).rejects.toThrow(refusal);
      expect(keysOf(home, run.id)).toHaveLength(showRun(home, run.id).run.stages);
    });
  });

  describe('whose target has gone', () => {
    beforeAll(() => renameSync(path.join(place, 'marks'), path.join(place, 'moved')));

    it('is shown as before, with the names of its classes', () => {
      const { rows, exampleInstance } = showRun(home, run.id);
      expect(rows).toHaveLength(4);
      const choice = { datasetIndex: exampleInstance!, domain: 'target', head: null } as const;
      expect(reading(home, (store) => instanceReport(store, run.id, choice)).classNames).toEqual(TARGET.classes);
    });
    it('rechecks its verdicts, which ask for no images', async () => {
      expect(holds(await verifyRun(home, run.id, { ...redraw, redraw: false }))).toBe(true);
    });
    it('names the folder where images are asked for', async () => {
      const gone = /looking through a folder of images \(.*marks\): folder: got none/;
      await expect(verifyRun(home, run.id, redraw)).rejects.toThrow(gone);
      expect(() => exported(run, 'safetensors')).toThrow(gone);
      expect(() => loadExperiment(path.join(place, 'experiment.json'))).toThrow(gone);
    });
  });
});

describe('a run between other sets than of ten classes', () => {
  it('may have seventeen, or two, and one folder for both domains', async () => {
    const classes = Array.from({ length: 17 }, (_, k) => `class ${String.fromCharCode(97 + k)}`);
    const many = fabricateFolder({ ...SOURCE, classes, train: 3, test: 1 });
    const two = fabricateFolder({ ...TARGET, classes: ['no', 'yes'], train: 12, test: 3 });
    const home = emptyFolder();
    const place = emptyFolder();
    const file = path.join(place, 'experiment.json');
    for (const [source, target] of [
      [many, two],
      [two, two],
    ]) {
      const domains = { source: { dataset: { folder: source } }, target: { dataset: { folder: target } } };
      writeFileSync(file, JSON.stringify({ ...TINY, ...domains, instances: 6, adversarialSearch: {} }));
      const id = await startRun(home, loadExperiment(file), quietHost());
      expect(holds(await verifyRun(home, id, redraw))).toBe(true);
      expect(showRun(home, id).rows.map(({ baseAccuracy }) => baseAccuracy!.total)).toEqual([6, 6, 6, 6]);
    }
  });
});
