import type { CertificateRecord, PredictionRecord } from '../../../src/shared/results.ts';
import { openStore, type Store } from '../../../src/main/store/store.ts';
import { expandStudy, type GridCell } from '../../../src/main/workbench/studies/expandStudy.ts';
import type { LoadedStudy } from '../../../src/main/workbench/studies/loadStudy.ts';
import { planStages } from '../../../src/main/workbench/stageKeys.ts';
import { DOMAINS } from '../../../src/shared/config.ts';
import { datasetLabel } from '../../../src/shared/datasetLabel.ts';
import { certificatesOf } from '../../store/certificates.ts';
import { emptyFolder } from '../tinyExperiment.ts';

export interface CellContents {
  /** Of 10 instances, on either domain and under every head, those predicted right. */
  readonly right: number;
  readonly epochs: number;
  readonly seconds?: number;
}

/** A store with a study whose cells have these results; null for one that was not begun. Nothing is computed. */
export function storeWith(
  loaded: LoadedStudy,
  contents: readonly (CellContents | null)[],
): { store: Store; id: number } {
  const store = openStore(emptyFolder());
  const { id } = store.studies.create({ name: loaded.study.name, config: loaded.document });
  const cells = expandStudy(loaded.study);
  contents.forEach((of, position) => {
    if (of !== null) fill(store, cells[position], { ...of, study: id });
  });
  return { store, id };
}

function fill(store: Store, { position, config }: GridCell, of: CellContents & { readonly study: number }): void {
  const run = store.runs.create({ name: config.name, config, environment: {} });
  store.studies.link(of.study, { position, runId: run.id });
  const source = { fingerprint: `files of ${datasetLabel(config.source.dataset)}` };
  const target = { fingerprint: `files of ${datasetLabel(config.target.dataset)}` };
  const keys = { source: JSON.stringify(source), target: JSON.stringify({ target, source }) };
  for (const [at, plan] of planStages(config, keys).entries()) {
    const { key, kind, domain, head, inputs } = plan;
    const { id } = store.stages.ensureStage({ key, kind, domain, headLabel: head, inputs });
    store.stages.link(run.id, id, at);
    if (kind === 'extractor' || kind === 'head') {
      const epoch = { trainLoss: 1, validationLoss: null, validationAccuracy: null, seconds: 1 };
      for (let i = 1; i <= of.epochs; i++) store.stages.recordEpoch(id, { epoch: i, ...epoch });
    }
    if (kind === 'prediction') store.results.insertPredictions(id, predictions(of.right));
    if (kind === 'certification')
      for (let i = 0; i < 10; i++) store.results.commitInstance(id, certificates(i, of.right));
    // Pieces are told apart by their seconds.
    const seconds = (of.seconds ?? 1) + (domain === null ? 0 : DOMAINS.indexOf(domain) + 1) / 1e6;
    store.stages.setStatus(id, { status: 'done', seconds });
  }
  store.runs.finish(run.id, 1);
}

const predictions = (right: number): PredictionRecord[] =>
  Array.from({ length: 10 }, (_, datasetIndex) => ({
    datasetIndex,
    label: datasetIndex,
    predicted: datasetIndex < right ? datasetIndex : (datasetIndex + 1) % 10,
    logits: new Float32Array(10),
  }));

/** The first `right` instances are certified for their own class by every method. */
const certificates = (datasetIndex: number, right: number): CertificateRecord[] =>
  certificatesOf(datasetIndex).map((record) => ({
    ...record,
    label: datasetIndex,
    verdict:
      datasetIndex < right
        ? { outcome: 'certified', predicted: datasetIndex, radiusNormalised: 0.1 }
        : { outcome: 'abstained', predicted: datasetIndex, reason: 'not-finite' },
    radiusPixels: datasetIndex < right ? 0.05 : null,
    medianPrediction: record.medianPrediction === null ? null : datasetIndex,
  }));
