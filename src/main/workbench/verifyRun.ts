import { isDeepStrictEqual } from 'node:util';
import { DOMAINS, type Domain, type Method, type Rule } from '../../shared/config.ts';
import type { CertificateRecord, HeadWeights } from '../../shared/results.ts';
import { startEngines, type Engines, type EnginesBackend } from '../engine/process/engines.ts';
import type { Store } from '../store/store.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { checkBackend } from './checkConfig.ts';
import { arithmeticText } from './engineText.ts';
import { BadInput } from './errors.ts';
import { describe } from './executeRun.ts';
import { requireSameData } from './sameData.ts';
import { transferSpecOf, type RunReporter } from './runInProgress.ts';
import { recheck } from './recheck.ts';
import {
  headsOf,
  headWeights,
  stageOf,
  storedRun,
  trainedExtractor,
  type HeadOfDomain,
  type StoredRun,
} from './storedRun.ts';
import { reading, readingWhile } from './storeOfFolder.ts';

/** A certificate that does not hold as it is stored. */
export interface Disagreement extends HeadOfDomain {
  readonly datasetIndex: number;
  readonly method: Method;
  readonly rule: Rule | null;
  readonly problem: string;
}

export interface Verification {
  readonly run: number;
  /** Certificates whose verdict was computed anew from the stored evidence. */
  readonly rechecked: number;
  readonly disagreements: readonly Disagreement[];
  readonly redraw: Redraw | null;
}

/** What drawing the noise again and certifying anew gave. */
export interface Redraw {
  /** The engine that drew anew, and the one that made the run, where it is another: then last digits may differ. */
  readonly engine: string;
  readonly madeOn: string;
  readonly certificates: number;
  /** Evidence and verdict bit for bit as stored. */
  readonly identical: number;
  /** Same outcome and class, with digits that differ. */
  readonly sameOutcome: number;
  readonly disagreements: readonly Disagreement[];
}

/** Whether every certificate of the run stands. On another engine, or under another arithmetic, equal outcomes suffice, else equal bits are asked for. */
export function holds({ disagreements, redraw }: Verification): boolean {
  if (disagreements.length > 0) return false;
  if (redraw === null) return true;
  return redraw.disagreements.length === 0 && (redraw.engine !== redraw.madeOn || redraw.sameOutcome === 0);
}

export interface VerifyOptions {
  /** Recompute the draws and the evidence too. */
  readonly redraw: boolean;
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
}

/**
 * Rechecks every stored certificate of a run: each verdict from its evidence and the head alone, and with `redraw` the evidence
 * from the noise's seed.
 * @throws BadInput when the run has no certificates, or its images are others than it was made from; StoreError; EngineError
 */
export async function verifyRun(folder: string, id: number, options: VerifyOptions): Promise<Verification> {
  const checked = reading(folder, (store) => recheckAll(store, storedRun(store, id), options.reporter));
  if (checked.rechecked === 0) throw new BadInput(`run ${id} has no certificates yet; go on with: ptw resume ${id}`);
  const redraw = options.redraw ? await redrawAll(folder, id, options) : null;
  return { run: id, ...checked, redraw };
}

interface Stage extends HeadOfDomain {
  readonly stage: StageRecord;
  readonly weights: HeadWeights;
}

function certifiedStages(store: Store, run: StoredRun): Stage[] {
  return headsOf(run).flatMap((of) => {
    const stage = stageOf(run, 'certification', of);
    return stage === undefined || store.results.certifiedIndices(stage.id).length === 0
      ? []
      : [{ ...of, stage, weights: headWeights(store, run, of) }];
  });
}

function recheckAll(
  store: Store,
  run: StoredRun,
  reporter: RunReporter,
): Pick<Verification, 'rechecked' | 'disagreements'> {
  const stages = certifiedStages(store, run);
  const disagreements: Disagreement[] = [];
  let rechecked = 0;
  const started = performance.now();
  reporter.began({ title: 'Verdicts from their evidence', reused: false });
  stages.forEach(({ domain, head, stage, weights }, at) => {
    for (const record of store.results.iterateCertificates(stage.id)) {
      rechecked++;
      const where = { domain, head, datasetIndex: record.datasetIndex, method: record.method, rule: record.rule };
      for (const problem of recheck(record, weights, run.config)) disagreements.push({ ...where, problem });
    }
    reporter.progress(at + 1, stages.length);
  });
  reporter.ended((performance.now() - started) / 1000);
  return { rechecked, disagreements };
}

async function redrawAll(folder: string, id: number, { reporter, signal }: VerifyOptions): Promise<Redraw> {
  const engines = await startEngines();
  try {
    // Read-only throughout: verifying never changes what it verifies.
    return await readingWhile(folder, async (store) => {
      const run = storedRun(store, id);
      checkBackend(run.config, engines.backend);
      const { domains } = await describe({ config: run.config, engines, signal });
      requireSameData(run, domains, `drawing again for run ${id}`);
      const stages = certifiedStages(store, run);
      const counts = { certificates: 0, identical: 0, sameOutcome: 0 };
      const disagreements: Disagreement[] = [];
      for (const domain of DOMAINS) {
        const ofDomain = stages.filter((stage) => stage.domain === domain);
        if (ofDomain.length === 0) continue;
        const comparison = { store, run, stages: ofDomain, counts, disagreements };
        await redrawDomain(comparison, engines, { reporter, signal });
      }
      const madeOn = arithmeticText(stages[0].stage.environment as EnginesBackend);
      return { engine: arithmeticText(engines.backend), madeOn, ...counts, disagreements };
    });
  } finally {
    await engines.close();
  }
}

interface Comparison {
  readonly store: Store;
  readonly run: StoredRun;
  /** Of one domain. */
  readonly stages: readonly Stage[];
  readonly counts: { certificates: number; identical: number; sameOutcome: number };
  readonly disagreements: Disagreement[];
}

async function redrawDomain(
  comparison: Comparison,
  engines: Engines,
  { reporter, signal }: Pick<VerifyOptions, 'reporter' | 'signal'>,
): Promise<void> {
  const { store, run, stages } = comparison;
  const [{ domain }] = stages;
  const byKey = new Map(stages.map((stage) => [stage.stage.key, stage]));
  const headsOfInstance = new Map<number, string[]>();
  for (const { stage } of stages) {
    for (const index of store.results.certifiedIndices(stage.id)) {
      headsOfInstance.set(index, [...(headsOfInstance.get(index) ?? []), stage.key]);
    }
  }
  await drawAgain(
    { store, run, domain, heads: stages, instances: headsOfInstance },
    { engines, reporter, signal, certificates: (key, records) => compare(comparison, byKey.get(key)!, records) },
  );
}

export interface ToDrawAgain {
  readonly store: Store;
  readonly run: StoredRun;
  readonly domain: Domain;
  readonly heads: readonly { readonly stage: Pick<StageRecord, 'key'>; readonly weights: HeadWeights }[];
  /** For each dataset index, the keys of its heads' stages. */
  readonly instances: ReadonlyMap<number, readonly string[]>;
}

/** Draws the noise of instances again and certifies them anew; nothing is stored. @throws what the engine throws */
export async function drawAgain(
  { store, run, domain, heads, instances }: ToDrawAgain,
  {
    engines,
    reporter,
    signal,
    certificates,
  }: Pick<VerifyOptions, 'reporter' | 'signal'> & {
    readonly engines: Engines;
    readonly certificates: (stageKey: string, records: readonly CertificateRecord[]) => void;
  },
): Promise<void> {
  const started = performance.now();
  reporter.began({ title: `Draws again, ${domain}`, reused: false });
  await engines.run(
    [
      {
        kind: 'certify',
        transfer: transferSpecOf(run.config),
        config: run.config,
        extractor: trainedExtractor(store, run).extractor,
        domain,
        heads: heads.map(({ stage, weights }) => ({ id: stage.key, weights })),
        instances: [...instances].map(([datasetIndex, keys]) => ({ datasetIndex, heads: [...keys] })),
      },
    ],
    (event) => {
      if (event.kind === 'progress') reporter.progress(event.done, event.total);
      if (event.kind === 'notice') reporter.notice(event.text);
      if (event.kind !== 'certificates') return;
      for (const { head, records } of event.certified) certificates(head, records);
    },
    signal,
  );
  reporter.ended((performance.now() - started) / 1000);
}

function compare({ store, counts, disagreements }: Comparison, of: Stage, drawn: readonly CertificateRecord[]): void {
  const stored = store.results.instanceCertificates(of.stage.id, drawn[0].datasetIndex);
  for (const record of drawn) {
    const { datasetIndex, method, rule } = record;
    const before = stored.find((candidate) => candidate.method === method && candidate.rule === rule);
    counts.certificates++;
    const agreement = agreementOf(before, record);
    if (agreement === 'identical') counts.identical++;
    else if (agreement === 'same-outcome') counts.sameOutcome++;
    else {
      const problem = `drawn again it is ${outcomeText(record)}, stored is ${before === undefined ? 'nothing' : outcomeText(before)}`;
      disagreements.push({ domain: of.domain, head: of.head, datasetIndex, method, rule, problem });
    }
  }
}

/** How a certificate that was drawn again agrees with the stored one. */
export function agreementOf(
  stored: CertificateRecord | undefined,
  drawn: CertificateRecord,
): 'identical' | 'same-outcome' | 'different' {
  if (isDeepStrictEqual(stored, drawn)) return 'identical';
  return stored !== undefined && sameOutcome(stored, drawn) ? 'same-outcome' : 'different';
}

const sameOutcome = (a: CertificateRecord, b: CertificateRecord): boolean =>
  a.verdict.outcome === b.verdict.outcome && a.verdict.predicted === b.verdict.predicted && a.label === b.label;

const outcomeText = ({ verdict, label }: CertificateRecord): string =>
  `"${verdict.outcome} ${verdict.predicted}" of an image of class ${label}`;
