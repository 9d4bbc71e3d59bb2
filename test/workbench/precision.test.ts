import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DOMAINS, type Precision } from '../../src/shared/config.ts';
import type { CertificateRecord, PgdRecord, PredictionRecord } from '../../src/shared/results.ts';
import type { RunReporter } from '../../src/main/workbench/runInProgress.ts';
import { headsOf, stageOf, storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { holds, verifyRun } from '../../src/main/workbench/verifyRun.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, SILENT, tinyConfig } from './tinyExperiment.ts';

interface Results {
  readonly predictions: readonly PredictionRecord[];
  readonly pgd: readonly PgdRecord[];
  readonly certificates: readonly CertificateRecord[];
}

/** What a run found of its heads, in their order. */
function resultsOf(folder: string, id: number): Results[] {
  return reading(folder, (store) => {
    const run = storedRun(store, id);
    return headsOf(run).map((of) => ({
      predictions: store.results.predictions(stageOf(run, 'prediction', of)!.id),
      pgd: store.results.pgd(stageOf(run, 'pgd', of)!.id),
      certificates: [...store.results.iterateCertificates(stageOf(run, 'certification', of)!.id)],
    }));
  });
}

const folder = emptyFolder();
const worked: string[][] = [];
async function runIn(precision: Precision): Promise<Results[]> {
  const did: string[] = [];
  worked.push(did);
  const reporter: RunReporter = {
    ...SILENT,
    began: ({ title, reused }) => {
      if (!reused) did.push(title);
    },
  };
  return resultsOf(folder, await startRun(folder, tinyConfig({ precision }), quietHost({ reporter })));
}

describe('a run in another precision', () => {
  let [exact, low]: Results[][] = [];
  beforeAll(async () => {
    exact = await runIn('float32');
    low = await runIn('bfloat16');
  });

  it('takes over what was trained, and evaluates all anew', () => {
    const evaluations = DOMAINS.flatMap((domain) => [`Clean accuracy, ${domain}`, `Certificates, ${domain}`]);
    expect(worked[1]).toEqual(expect.arrayContaining(evaluations));
    expect(worked[1].filter((title) => /^(Extractor|Heads)/.test(title))).toEqual([]);
    expect(worked[1].filter((title) => title.startsWith('PGD'))).toHaveLength(4);
  });

  it('is of another model: every logit and every certificate says so', () => {
    low.forEach(({ predictions, certificates }, head) => {
      predictions.forEach(({ logits }, i) => {
        const other = exact[head].predictions[i].logits;
        expect(logits).not.toEqual(other);
        const scale = Math.max(...other.map(Math.abs));
        logits.forEach((value, k) => expect(Math.abs(value - other[k])).toBeLessThan(0.05 * scale));
      });
      expect(new Set(certificates.map(({ evidence }) => evidence.precision))).toEqual(new Set(['bfloat16']));
      expect(new Set(exact[head].certificates.map(({ evidence }) => evidence.precision))).toEqual(new Set(['float32']));
    });
  });

  it('attacks the model whose accuracy it reports: wrong without an attack is what is predicted wrong', () => {
    for (const { predictions, pgd } of low) {
      const wrong = predictions.filter(({ predicted, label }) => predicted !== label);
      const broken = pgd.filter(({ brokenAtStep }) => brokenAtStep === 0);
      expect(broken.map(({ datasetIndex }) => datasetIndex)).toEqual(wrong.map(({ datasetIndex }) => datasetIndex));
    }
  });

  it('is drawn again bit for bit', async () => {
    const verification = await verifyRun(folder, 2, {
      redraw: true,
      reporter: SILENT,
      signal: new AbortController().signal,
    });
    expect(verification.redraw!.identical).toBe(low.flatMap(({ certificates }) => certificates).length);
    expect(holds(verification)).toBe(true);
  });
});

it('a backend without graphs refuses another precision before anything is stored', async () => {
  vi.stubEnv('PTW_BACKEND', 'wasm');
  const empty = emptyFolder();
  try {
    await expect(startRun(empty, tinyConfig({ precision: 'bfloat16' }), quietHost())).rejects.toThrow(
      /^precision: got "bfloat16", the wasm backend computes in "float32" only; .*need tensorflow/,
    );
  } finally {
    vi.unstubAllEnvs();
  }
  expect(reading(empty, (store) => store.runs.list())).toEqual([]);
});
