import { CATALOGUE } from '../data/catalogue.ts';
import { clopperPearsonLower } from '../math/clopperPearson.ts';
import { labelLevel, pairwiseLevel } from '../math/levels.ts';
import { DOMAINS, type Domain } from '../../shared/config.ts';
import type { Grounds, InstanceOfHead, InstanceReport } from '../../shared/instance.ts';
import type { CertificateRecord, Evidence } from '../../shared/results.ts';
import { datasetLabel } from '../../shared/datasetLabel.ts';
import type { Store } from '../store/store.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { BadInput } from './errors.ts';
import { dataOfRun } from './learnedFrom.ts';
import { headsOf, stageOf, storedRun, type HeadOfDomain, type StoredRun } from './storedRun.ts';

export interface InstanceChoice {
  readonly datasetIndex: number;
  readonly domain: Domain;
  /** Null for all. */
  readonly head: string | null;
}

/**
 * Everything the run says about one test instance.
 * @throws BadInput naming some of the instances that are certified, or the heads that there are
 */
export function instanceReport(store: Store, id: number, choice: InstanceChoice): InstanceReport {
  const run = storedRun(store, id);
  const { datasetIndex, domain } = choice;
  const heads = headsOf(run).filter((of) => of.domain === domain && (choice.head === null || of.head === choice.head));
  if (heads.length === 0) {
    const known = headsOf(run).filter((of) => of.domain === domain);
    throw new BadInput(
      `run ${id} has no head "${choice.head ?? ''}" on the ${domain}; there are: ${known.map(({ head }) => `"${head}"`).join(', ')}`,
    );
  }
  const results = heads.map((of) => instanceOfHead(store, run, { ...of, datasetIndex }));
  const label = results.flatMap(({ certificates }) => certificates).at(0)?.label;
  if (label === undefined) throw notCertified(store, run, choice);
  const { dataset } = run.config[domain];
  const {
    precision,
    certification: { noise },
  } = run.config;
  return {
    run: id,
    domain,
    dataset: datasetLabel(dataset),
    datasetIndex,
    label,
    classNames: classNamesOf(run, domain),
    precision,
    noise,
    heads: results,
  };
}

/** By label; of a folder as they were when the run learned from it. */
export function classNamesOf(run: StoredRun, domain: Domain): readonly string[] {
  const { dataset } = run.config[domain];
  if (typeof dataset === 'string') return CATALOGUE[dataset].classes;
  return dataOfRun(run, domain)!.folder!.classNames;
}

function instanceOfHead(
  store: Store,
  run: StoredRun,
  { datasetIndex, ...of }: HeadOfDomain & { readonly datasetIndex: number },
): InstanceOfHead {
  const find = <T>(kind: StageRecord['kind'], read: (stageId: number, index: number) => T | null): T | null => {
    const stage = stageOf(run, kind, of);
    return stage === undefined ? null : read(stage.id, datasetIndex);
  };
  const certification = stageOf(run, 'certification', of);
  const certificates =
    certification === undefined ? [] : store.results.instanceCertificates(certification.id, datasetIndex);
  return {
    head: of.head,
    prediction: find('prediction', (id, index) => store.results.predictionOf(id, index)),
    noiseAttack: find('noise-attack', (id, index) => store.results.noiseAttackOf(id, index)),
    pgd: find('pgd', (id, index) => store.results.pgdOf(id, index)),
    search: find('adversarial-search', (id, index) => store.results.adversarialSearchOf(id, index)),
    certificates: certificates.map((record) => ({ ...record, grounds: groundsOf(record) })),
  };
}

function notCertified(store: Store, run: StoredRun, { datasetIndex, domain }: InstanceChoice): BadInput {
  const certified = headsOf(run)
    .filter((of) => of.domain === domain)
    .flatMap((of) => stageOf(run, 'certification', of) ?? [])
    .flatMap((stage) => store.results.certifiedIndices(stage.id));
  const indices = [...new Set(certified)].sort((a, b) => a - b);
  const some = indices.slice(0, 8).join(', ');
  const other = DOMAINS.find((name) => name !== domain)!;
  return new BadInput(
    indices.length === 0
      ? `run ${run.run.id} has no certificates on the ${domain} yet; go on with: ptw resume ${run.run.id}`
      : `test image ${datasetIndex} of the ${domain} was not certified by run ${run.run.id}; its ${indices.length} instances begin with ${some} (--domain ${other} for the other domain)`,
  );
}

/** What the verdict turned on, from its evidence (METHOD.md §4). */
export function groundsOf({ evidence, verdict }: Pick<CertificateRecord, 'evidence' | 'verdict'>): Grounds {
  const c = verdict.predicted;
  switch (evidence.method) {
    case 'label':
      return labelGrounds(evidence, c);
    case 'pairwise':
      return pairwiseGrounds(evidence, c);
    case 'logit': {
      const rival = extremeRival(evidence.upper, c, (a, b) => a > b);
      const { k, lower, upper } = evidence;
      return { method: 'logit', k, lower: lower[c], rival, rivalUpper: upper[rival] };
    }
    case 'representation': {
      const rival = extremeRival(evidence.marginLower, c, (a, b) => a < b);
      return { method: 'representation', k: evidence.k, rival, marginLower: evidence.marginLower[rival] };
    }
  }
}

function labelGrounds(evidence: Extract<Evidence, { method: 'label' }>, c: number): Grounds {
  const { counts, draws } = evidence;
  const level = labelLevel({ ...evidence, classes: counts.length });
  return {
    method: 'label',
    votes: counts[c],
    draws,
    probabilityLower: clopperPearsonLower(counts[c], draws, level),
  };
}

function pairwiseGrounds(evidence: Extract<Evidence, { method: 'pairwise' }>, c: number): Grounds {
  const { wins, draws } = evidence;
  const rival = extremeRival(wins, c, (a, b) => a < b);
  const level = pairwiseLevel({ ...evidence, classes: wins.length });
  const probabilityLower = clopperPearsonLower(wins[rival], draws, level);
  return { method: 'pairwise', rival, wins: wins[rival], draws, probabilityLower };
}

/** The rival of c whose value is most extreme, the first among equals. */
function extremeRival(values: ArrayLike<number>, c: number, beats: (a: number, b: number) => boolean): number {
  let rival = c === 0 ? 1 : 0;
  for (let j = rival + 1; j < values.length; j++) if (j !== c && beats(values[j], values[rival])) rival = j;
  return rival;
}
