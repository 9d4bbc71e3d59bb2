import Database from 'better-sqlite3';
import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromBlob, fromJson, toBlob, toJson } from '../../src/main/store/exactValues.ts';
import { openStore, type Store } from '../../src/main/store/store.ts';
import type {
  AdversarialSearchRecord,
  CertificateRecord,
  NoiseAttackRecord,
  PgdRecord,
  PredictionRecord,
} from '../../src/shared/results.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, refusalOf, temporaryFolder } from './fixtures.ts';

function openWithStage(): { store: Store; stage: number; folder: string } {
  const folder = temporaryFolder();
  const store = openStore(folder);
  return { store, stage: certificationStage(store), folder };
}

const bitsOf = (array: Int32Array | Float32Array | Float64Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');

/** Any bit pattern, so every NaN payload too, at an offset that is not the start of its buffer. */
const bytes = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength: 40 }).map((b) => b.slice(0, b.length - (b.length % size)));

describe('commitInstance refuses', () => {
  it('certificates of several instances', () => {
    const { store, stage } = openWithStage();
    const mixed = [...certificatesOf(1), ...certificatesOf(2)];
    expect(refusalOf(() => store.results.commitInstance(stage, mixed)).message).toContain('2 instances (1, 2)');
  });

  it.each([
    ['a NaN radius', { verdict: { outcome: 'certified', predicted: 0, radiusNormalised: NaN } }],
    ['a negative radius', { verdict: { outcome: 'certified', predicted: 0, radiusNormalised: -1e-9 } }],
    ['no radius in pixels', { radiusPixels: null }],
    ['an abstention with a radius', { verdict: { outcome: 'abstained', predicted: 0, reason: 'no-majority' } }],
  ] satisfies [string, Partial<CertificateRecord>][])('%s, and stores none of the instance', (_what, change) => {
    const { store, stage } = openWithStage();
    const [first, ...others] = certificatesOf(1);
    const wrong = [...others, { ...first, ...change }];
    expect(refusalOf(() => store.results.commitInstance(stage, wrong)).code).toBe('invalid');
    expect(store.results.certifiedIndices(stage)).toEqual([]);
  });

  it('evidence with an array of another type', () => {
    const { store, stage } = openWithStage();
    const [first] = certificatesOf(1);
    const evidence = { ...first.evidence, counts: Float64Array.of(1) } as unknown as CertificateRecord['evidence'];
    const refusal = refusalOf(() => store.results.commitInstance(stage, [{ ...first, evidence }]));
    expect(refusal.message).toContain('array counts is float64, expected int32');
  });
});

describe('certificates of an instance under several heads', () => {
  function openWithStages(): { store: Store; stages: [number, number]; folder: string } {
    const { store, stage, folder } = openWithStage();
    return { store, stages: [stage, certificationStage(store, 'another head')], folder };
  }
  const of = (stageId: number, certificates: readonly CertificateRecord[]) => ({ stageId, certificates });

  it('refuse those of another instance under one of the heads, and all where one is wrong', () => {
    const { store, stages } = openWithStages();
    const [one, other] = stages;
    const mixed = [of(one, certificatesOf(1)), of(other, certificatesOf(2))];
    expect(refusalOf(() => store.results.commitInstanceOfStages(mixed)).message).toContain('2 instances (1, 2)');
    const [first, ...others] = certificatesOf(1);
    const wrong = [of(one, certificatesOf(1)), of(other, [...others, { ...first, radiusPixels: null }])];
    expect(refusalOf(() => store.results.commitInstanceOfStages(wrong)).code).toBe('invalid');
    expect(stages.map((stage) => store.results.certifiedIndices(stage))).toEqual([[], []]);
  });

  it('come in together, beside those that one of the heads had already', () => {
    const { store, stages } = openWithStages();
    const [one, other] = stages;
    expect(store.results.commitInstance(other, certificatesOf(3).slice(0, 4))).toBe(4);
    const both = [of(one, certificatesOf(3)), of(other, certificatesOf(3))];
    expect(store.results.commitInstanceOfStages(both)).toBe(6);
    expect(store.results.commitInstanceOfStages(both)).toBe(0);
    for (const stage of stages) {
      expect(store.results.instanceCertificates(stage, 3)).toStrictEqual(certificatesOf(3));
    }
  });

  it('share no row with another head, which may be deleted', () => {
    const { store, stages, folder } = openWithStages();
    store.results.commitInstanceOfStages(stages.map((stage) => of(stage, certificatesOf(3))));
    store.runs.finish(1, 1);
    store.runList.delete([1]);
    expect(store.results.instanceCertificates(stages[1], 3)).toStrictEqual(certificatesOf(3));
    store.close();
    openStore(folder).close();
  });
});

describe('certificates', () => {
  it('come back bit for bit, one by one and in a row', () => {
    const { store, stage, folder } = openWithStage();
    for (const index of [9, 0, 4]) expect(store.results.commitInstance(stage, certificatesOf(index))).toBe(5);
    store.close();
    const again = openStore(folder, { readonly: true });
    expect(again.results.certifiedIndices(stage)).toEqual([0, 4, 9]);
    expect(again.results.instanceCertificates(stage, 4)).toStrictEqual(certificatesOf(4));
    expect([...again.results.iterateCertificates(stage)]).toStrictEqual([0, 4, 9].flatMap(certificatesOf));
    const headers = certificatesOf(0).map(
      ({ evidence: _evidence, falsification: _falsification, ...header }) => header,
    );
    expect(again.results.certificateHeaders(stage).slice(0, 5)).toEqual(expect.arrayContaining(headers));
    again.close();
  });

  it('let the connection write while they are iterated', () => {
    const { store, stage } = openWithStage();
    store.results.commitInstance(stage, certificatesOf(0));
    const seen: number[] = [];
    for (const { datasetIndex } of store.results.iterateCertificates(stage)) {
      if (datasetIndex < 2) store.results.commitInstance(stage, certificatesOf(datasetIndex + 1));
      seen.push(datasetIndex);
    }
    expect(seen).toEqual([0, 1, 2].flatMap((index) => Array<number>(5).fill(index)));
  });

  it('stay as first committed when a resumed run commits them again, and gain those that were missing', () => {
    const { store, stage } = openWithStage();
    const all = certificatesOf(3);
    expect(store.results.commitInstance(stage, all.slice(0, 4))).toBe(4);
    expect(store.results.commitInstance(stage, all)).toBe(1);
    expect(store.results.commitInstance(stage, all)).toBe(0);
    expect(store.results.instanceCertificates(stage, 3)).toStrictEqual(all);
  });

  it('store arrays with equal bytes once', () => {
    const { store, stage, folder } = openWithStage();
    store.results.commitInstance(stage, certificatesOf(3));
    store.close();
    const db = new Database(join(folder, 'workbench.sqlite'), { readonly: true });
    // Of box: median = upper, lower and the empty median; one marginLower; and the four counts.
    expect(db.prepare('SELECT count(data), count(*) FROM evidence_array').raw().get()).toEqual([8, 18]);
    db.close();
  });

  it('say how many of the published rule were searched, and in which boxes a point was found', () => {
    const { store, stage } = openWithStage();
    expect(store.results.falsificationCounts(stage)).toEqual({ searched: 0, atRadius: 0, atSmallestBox: 0 });
    const found = { k: 38, rival: 1, marginUpper: -1, point: Float32Array.of(1) };
    const all = [
      { atRadius: found, atSmallestBox: found },
      { atRadius: found, atSmallestBox: null },
      { atRadius: null, atSmallestBox: null },
      null,
    ];
    all.forEach((falsification, index) => {
      const paper = { ...certificatesOf(index).find(({ rule }) => rule === 'paper')!, falsification };
      store.results.commitInstance(stage, [paper]);
      expect(store.results.instanceCertificates(stage, index)).toStrictEqual([paper]);
    });
    expect(store.results.falsificationCounts(stage)).toEqual({ searched: 3, atRadius: 2, atSmallestBox: 1 });
  });

  it('with one of the two searched boxes gone are refused', () => {
    const { store, stage, folder } = openWithStage();
    store.results.commitInstance(stage, certificatesOf(3));
    const db = new Database(join(folder, 'workbench.sqlite'));
    expect(() => db.exec("UPDATE falsification SET rival = NULL WHERE box = 'radius'")).toThrow('CHECK');
    db.exec("DELETE FROM falsification WHERE box = 'smallest'");
    db.close();
    const refusal = refusalOf(() => store.results.instanceCertificates(stage, 3));
    expect(refusal).toMatchObject({ code: 'damaged' });
    expect(refusal.message).toContain('got the box radius alone, expected both');
  });

  it('with evidence that is gone are refused', () => {
    const { store, stage, folder } = openWithStage();
    store.results.commitInstance(stage, certificatesOf(3));
    const db = new Database(join(folder, 'workbench.sqlite'));
    db.exec("DELETE FROM evidence_array WHERE name = 'wins'");
    db.close();
    const refusal = refusalOf(() => [...store.results.iterateCertificates(stage)]);
    expect(refusal).toMatchObject({ code: 'damaged' });
    expect(refusal.message).toContain('array wins is missing');
  });

  it('with any one bit of their scalars flipped, the name of their seal among them, are refused or read as they were', () => {
    const { store, stage, folder } = openWithStage();
    const stored = certificatesOf(3);
    store.results.commitInstance(stage, stored);
    const db = new Database(join(folder, 'workbench.sqlite'));
    const update = db.prepare('UPDATE certificate_evidence SET scalars = CAST(? AS TEXT) WHERE certificate_id = ?');
    const rows = db.prepare<[], { id: number; scalars: string }>(
      'SELECT certificate_id AS id, scalars FROM certificate_evidence',
    );
    let refused = 0;
    for (const { id, scalars } of rows.all()) {
      const bytes = Buffer.from(scalars);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        bytes[bit >> 3] ^= 1 << (bit & 7);
        update.run(bytes, id);
        try {
          expect(store.results.instanceCertificates(stage, 3)).toStrictEqual(stored);
        } catch (error) {
          expect(error).toMatchObject({ code: 'damaged' });
          refused++;
        }
        bytes[bit >> 3] ^= 1 << (bit & 7);
      }
      update.run(scalars, id);
    }
    db.close();
    expect(refused).toBeGreaterThan(5000);
    expect(store.results.instanceCertificates(stage, 3)).toStrictEqual(stored);
  });

  it('keep every bit of their arrays', () => {
    const { store, stage } = openWithStage();
    let index = 0;
    const property = fc.property(bytes(4), bytes(4), bytes(8), fc.double(), (median, upper, margin, sigma) => {
      index += 1;
      const record = certificatesOf(index).at(-1)!;
      if (record.evidence.method !== 'representation') throw new Error('the last one has a rule');
      const evidence = {
        ...record.evidence,
        sigma,
        median: new Float32Array(median.buffer),
        upper: new Float32Array(upper.buffer),
        marginLower: new Float64Array(margin.buffer),
      };
      store.results.commitInstance(stage, [{ ...record, evidence }]);
      const got = store.results.instanceCertificates(stage, index)[0].evidence as typeof evidence;
      expect(Object.is(got.sigma, sigma)).toBe(true);
      for (const name of ['selectionMedian', 'median', 'lower', 'upper', 'marginLower'] as const) {
        expect(bitsOf(got[name])).toBe(bitsOf(evidence[name]));
        expect(got[name].constructor).toBe(evidence[name].constructor);
      }
    });
    fc.assert(property, { numRuns: 60 });
  });

  it('are counted by method and rule', () => {
    const { store, stage } = openWithStage();
    store.results.commitInstance(stage, certificatesOf(1));
    store.results.commitInstance(stage, certificatesOf(2));
    const wrong = certificatesOf(3)[0];
    store.results.commitInstance(stage, [
      { ...wrong, verdict: { outcome: 'certified', predicted: 7, radiusNormalised: 1000 } },
    ]);
    const row = { total: 2, certified: 2, certifiedCorrect: 2, rule: null };
    expect(store.results.summary(stage)).toEqual([
      // 0.1 + 1 and 0.1 + 2: the wrong one's radius does not count.
      { ...row, method: 'label', total: 3, certified: 3, medianCorrect: null, meanRadiusNormalised: (1.1 + 2.1) / 2 },
      { ...row, method: 'logit', certifiedCorrect: 0, medianCorrect: 0, meanRadiusNormalised: null },
      {
        ...row,
        method: 'pairwise',
        certified: 0,
        certifiedCorrect: 0,
        medianCorrect: null,
        meanRadiusNormalised: null,
      },
      { ...row, method: 'representation', rule: 'interval', medianCorrect: 2, meanRadiusNormalised: Infinity },
      { ...row, method: 'representation', rule: 'paper', medianCorrect: 2, meanRadiusNormalised: 1 / 3 },
    ]);
    expect(store.runs.list()[0]).toMatchObject({ stages: 1, stagesDone: 0, certificates: 11, certified: 9 });
  });
});

describe('predictions and results of attacks', () => {
  it('come back bit for bit by dataset index, the first of an instance stays', () => {
    const { store, stage } = openWithStage();
    const predictions: PredictionRecord[] = [5, 2].map((datasetIndex) => ({
      datasetIndex,
      label: 1,
      predicted: 2,
      logits: Float32Array.of(NaN, -0, datasetIndex),
    }));
    expect(store.results.insertPredictions(stage, predictions)).toBe(2);
    expect(store.results.insertPredictions(stage, [{ ...predictions[0], predicted: 9 }])).toBe(0);
    expect(store.results.predictions(stage)).toStrictEqual([predictions[1], predictions[0]]);

    const robust = { brokenAtStep: null, perturbationNorm: null, perturbation: null };
    const losses = { lossStart: -3, lossHalf: NaN, lossEnd: -0 };
    const none = { lossStart: null, lossHalf: null, lossEnd: null };
    const pgd: PgdRecord[] = [
      { datasetIndex: 1, label: 0, robust: true, ...robust, zeroGradientShare: -0, ...losses },
      {
        datasetIndex: 0,
        label: 0,
        robust: false,
        brokenAtStep: 0,
        perturbationNorm: 0,
        perturbation: null,
        zeroGradientShare: 1,
        ...none,
      },
      {
        datasetIndex: 4,
        label: 3,
        robust: false,
        brokenAtStep: 12,
        perturbationNorm: NaN,
        perturbation: Float32Array.of(1e-45, -Infinity),
        zeroGradientShare: 1 / 3,
        ...none,
        lossStart: 1 / 3,
      },
    ];
    expect(store.results.insertPgd(stage, pgd)).toBe(3);
    expect(store.results.insertPgd(stage, pgd)).toBe(0);
    expect(store.results.pgd(stage)).toStrictEqual([pgd[1], pgd[0], pgd[2]]);
    expect(store.results.attackedIndices(stage)).toEqual([0, 1, 4]);
  });

  it('of the noise attack come back likewise, and one that is broken at no draw is refused', () => {
    const { store, stage } = openWithStage();
    const { results } = store;
    const robust = { robust: true, brokenAtDraw: null, perturbationNorm: null, perturbation: null };
    const records: NoiseAttackRecord[] = [
      { datasetIndex: 8, label: 1, ...robust },
      { datasetIndex: 3, label: 0, robust: false, brokenAtDraw: 0, perturbationNorm: 0, perturbation: null },
      {
        datasetIndex: 5,
        label: 2,
        robust: false,
        brokenAtDraw: 17,
        perturbationNorm: 0.1,
        perturbation: Float32Array.of(-0, NaN),
      },
    ];
    expect(results.insertNoiseAttacks(stage, records)).toBe(3);
    expect(results.insertNoiseAttacks(stage, [{ ...records[0], label: 9 }])).toBe(0);
    expect(results.noiseAttacks(stage)).toStrictEqual([records[1], records[2], records[0]]);
    expect(results.noiseAttackedIndices(stage)).toEqual([3, 5, 8]);
    const contradiction = { ...records[1], datasetIndex: 9, brokenAtDraw: null };
    expect(refusalOf(() => results.insertNoiseAttacks(stage, [contradiction])).code).toBe('invalid');
  });

  it('of searches for adversarial representations come back likewise, with every part that there is', () => {
    const { store, stage } = openWithStage();
    const { results } = store;
    const representation = {
      adversarialClass: 4,
      distanceL2: 0.25,
      distanceLinf: 1 / 3,
      point: Float32Array.of(1, -0, 1e-45),
    };
    const input = {
      found: true,
      predicted: 4,
      steps: 31,
      distanceL2: 0.7,
      distanceLinf: 1e-9,
      representationDistanceLinf: NaN,
      perturbation: Float32Array.of(0.5, -Infinity),
    };
    const of = { label: 1, predicted: 1 };
    const records: AdversarialSearchRecord[] = [
      { datasetIndex: 9, ...of, predicted: 2, representation: null, input: null },
      { datasetIndex: 2, ...of, representation, input: null },
      { datasetIndex: 7, ...of, representation, input: { ...input, found: false } },
      { datasetIndex: 4, ...of, representation, input },
    ];
    expect(results.insertAdversarialSearches(stage, records)).toBe(4);
    expect(results.insertAdversarialSearches(stage, [{ ...records[0], label: 9 }])).toBe(0);
    expect(results.adversarialSearches(stage)).toStrictEqual([records[1], records[3], records[2], records[0]]);
    expect(results.searchedIndices(stage)).toEqual([2, 4, 7, 9]);
  });
});

describe('exact values', () => {
  it('are little-endian in BLOBs, whatever part of a buffer the array is', () => {
    const whole = Float32Array.of(9, 1, -2);
    expect(toBlob(whole.subarray(1)).toString('hex')).toBe('0000803f000000c0');
    expect(fromBlob('float32', toBlob(whole.subarray(1)))).toStrictEqual(Float32Array.of(1, -2));
    expect(refusalOf(() => fromBlob('float64', Buffer.alloc(12))).code).toBe('damaged');
  });

  it('survive JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.double(), (json, number) => {
        const value = { json, list: [number, -0, NaN, Infinity, -Infinity] };
        // toStrictEqual tells −0 from 0.
        expect(fromJson(toJson(value))).toStrictEqual(value);
      }),
    );
    expect(refusalOf(() => toJson({ $number: 'mine' })).message).toContain('reserved');
    expect(refusalOf(() => toJson(undefined)).code).toBe('invalid');
    expect(refusalOf(() => fromJson('{')).code).toBe('damaged');
  });
});
