import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { BoxSource } from '../engine/training/boxIndex.ts';
import { effectiveDrawBank } from '../engine/training/effectiveDrawBank.ts';
import { effectiveTraining, trainingPace } from '../engine/training/effectiveTraining.ts';
import type { StageKind } from '../store/tables/stage.ts';
import {
  boxTrainingSchema,
  domainsOfHeads,
  drawBankSchema,
  type BoxTraining,
  type CertificationSettings,
  type Domain,
  type DrawBank,
  type ExperimentConfig,
  type HeadSpec,
} from '../../shared/config.ts';

/**
 * A stage is named by the hash of all that its result depends on and nothing else: rerunning with another head or other
 * certification settings finds the trained extractor again. Bump VERSION when the same inputs would give another result.
 */
const VERSION = 3;

export interface StagePlan {
  readonly key: string;
  readonly kind: StageKind;
  /** Null for the extractor. */
  readonly domain: Domain | null;
  /** The head's label; null for the extractor. */
  readonly head: string | null;
  /** Index into the config's heads; null for the extractor. */
  readonly headIndex: number | null;
  /** What the key is the hash of. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What of the data a key depends on: the files by content, and which instances are taken. */
export interface DataKeys {
  readonly source: string;
  readonly target: string;
}

/** What tells the files of both domains apart; a run has it from the engine's description of them. */
export interface Fingerprints {
  readonly domains: Readonly<Record<Domain, DataDescription>>;
}
export interface DataDescription {
  readonly fingerprint: string;
  /** [K] */
  readonly classNames: readonly string[];
  /** Of the set, before a subset is taken. */
  readonly trainingImages: number;
}

/**
 * The files by content, and what is taken of them. Of a folder of images its classes and its size stand there too: the stages are then
 * all that is needed to show a run whose folder has changed or gone. They follow from the content, so they make no other keys.
 */
export function dataKeys(config: ExperimentConfig, { domains }: Fingerprints): DataKeys {
  const { source, target } = config;
  const text = (value: unknown): string => canonicalize(value) ?? '';
  const taken = (domain: Domain, instances: number | undefined): unknown => {
    const { fingerprint, classNames, trainingImages } = domains[domain];
    return {
      fingerprint,
      trainingInstances: instances ?? 'all',
      ...(typeof config[domain].dataset === 'string' ? {} : { folder: { classNames, trainingImages } }),
    };
  };
  const sourceKey = taken('source', source.trainingInstances);
  return {
    source: text(sourceKey),
    // The target is normalised, and by default resized, as the source is.
    target: text({ target: taken('target', target.trainingInstances), size: target.size, source: sourceKey }),
  };
}

/** "4-layer wn", with what differs from the defaults behind it. */
export function headLabel(spec: HeadSpec): string {
  const { layers, constraint, bound, hiddenWidth, groupSize, temperature, boxTraining, drawBank } = spec;
  const extras = [
    constraint !== 'none' && bound !== 1 ? `bound ${bound}` : '',
    hiddenWidth !== undefined && layers > 1 ? `width ${hiddenWidth}` : '',
    groupSize !== 2 && layers > 1 ? `groups of ${groupSize}` : '',
    temperature !== 1 ? `temperature ${temperature}` : '',
    boxTraining !== undefined ? boxLabel(boxTraining) : '',
    drawBank !== undefined ? bankLabel(drawBank) : '',
  ].filter((text) => text !== '');
  return [`${layers}-layer ${constraint}`, ...extras].join(', ');
}

const BOX_DEFAULTS = boxTrainingSchema.parse({});

function boxLabel({ weight, radius, rampEpochs, instances }: BoxTraining): string {
  const extras = [
    weight !== BOX_DEFAULTS.weight ? `weight ${weight}` : '',
    radius !== BOX_DEFAULTS.radius ? `radius ${radius} σ` : '',
    rampEpochs !== BOX_DEFAULTS.rampEpochs ? `ramp of ${rampEpochs}` : '',
    instances !== BOX_DEFAULTS.instances ? `${instances} images` : '',
  ].filter((text) => text !== '');
  return extras.length === 0 ? 'box training' : `box training (${extras.join(', ')})`;
}

const BANK_DEFAULTS = drawBankSchema.parse({});

function bankLabel({ draws, drawsPerStep, sigma, objective, weight, gamma, beta, precision }: DrawBank): string {
  const extras = [
    objective !== BANK_DEFAULTS.objective ? objective : '',
    weight !== undefined && objective !== 'cross-entropy' ? `λ ${weight}` : '',
    draws !== BANK_DEFAULTS.draws ? `${draws} draws` : '',
    drawsPerStep !== undefined ? `${drawsPerStep} a step` : '',
    sigma !== undefined ? `σ ${sigma}` : '',
    objective === 'macer' && gamma !== BANK_DEFAULTS.gamma ? `γ ${gamma}` : '',
    objective === 'macer' && beta !== BANK_DEFAULTS.beta ? `β ${beta}` : '',
    precision !== BANK_DEFAULTS.precision ? precision : '',
  ].filter((text) => text !== '');
  return extras.length === 0 ? 'draw bank' : `draw bank (${extras.join(', ')})`;
}

function hash(kind: string, inputs: Readonly<Record<string, unknown>>): string {
  const text = canonicalize({ version: VERSION, kind, ...inputs });
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex');
}

/** Every stage of a run, in the order in which they are worked off. */
export function planStages(config: ExperimentConfig, data: DataKeys): StagePlan[] {
  const extractor = extractorPlan(config, data);
  const heads = (domain: Domain): StagePlan[] =>
    config.heads.map((spec, headIndex) => headPlan({ config, data, extractor, domain, spec, headIndex }));
  const onHeads = domainsOfHeads(config).flatMap(heads);
  const { instances, seed, precision } = config;
  const evaluation = { instances, seed, precision };
  const evaluated = (build: (head: StagePlan) => StagePlan): StagePlan[] => onHeads.map(build);
  return [
    extractor,
    ...onHeads,
    ...evaluated((head) => evaluationPlan('prediction', head, evaluation)),
    ...attackPlans(config, onHeads, evaluation),
    ...(config.certification.enabled
      ? evaluated((head) =>
          evaluationPlan('certification', head, {
            ...evaluation,
            certification: certificationInputs(config.certification),
          }),
        )
      : []),
  ];
}

function attackPlans(
  { heads, noiseAttack, pgd, adversarialSearch }: ExperimentConfig,
  onHeads: readonly StagePlan[],
  evaluation: Readonly<Record<string, unknown>>,
): StagePlan[] {
  const oneLayer = onHeads.filter(({ headIndex }) => heads[headIndex!].layers === 1);
  const planned = (kind: EvaluationKind, of: readonly StagePlan[], settings: Readonly<Record<string, unknown>>) =>
    of.map((head) => evaluationPlan(kind, head, { ...evaluation, ...settings }));
  return [
    ...(noiseAttack.enabled ? planned('noise-attack', onHeads, { noiseAttack: withoutSwitch(noiseAttack) }) : []),
    ...(pgd.enabled ? planned('pgd', onHeads, { pgd: withoutSwitch(pgd) }) : []),
    ...(adversarialSearch.enabled
      ? planned('adversarial-search', oneLayer, { adversarialSearch: withoutSwitch(adversarialSearch) })
      : []),
  ];
}

/** Settings as a key has them: a stage that is there at all was switched on. */
function withoutSwitch<T extends { readonly enabled: boolean }>({
  enabled: _enabled,
  ...settings
}: T): Omit<T, 'enabled'> {
  return settings;
}

/**
 * The search for falsifying points and the lattice count where they are: keys from before there were any hold where they are off. Linear bounds are not
 * monotone in the box, so that another order of questions may end at another index; by the other rules it cannot.
 */
function certificationInputs(certification: CertificationSettings): Readonly<Record<string, unknown>> {
  const { falsification, noise, ...settings } = withoutSwitch(certification);
  const isLinear = settings.methods.includes('representation') && settings.rules.includes('linear');
  return {
    ...settings,
    ...(falsification.enabled ? { falsification } : {}),
    ...(isLinear ? { linearSearch: 'by margins' } : {}),
    ...(noise === 'lattice' ? { noise } : {}),
  };
}

function extractorPlan(config: ExperimentConfig, data: DataKeys): StagePlan {
  const inputs = {
    seed: config.seed,
    data: data.source,
    preset: config.extractor.preset,
    head: config.extractor.head,
    training: effectiveTraining(config.training.source, config.certification),
  };
  return { key: hash('extractor', inputs), kind: 'extractor', domain: null, head: null, headIndex: null, inputs };
}

function headPlan(of: {
  config: ExperimentConfig;
  data: DataKeys;
  extractor: StagePlan;
  domain: Domain;
  spec: HeadSpec;
  headIndex: number;
}): StagePlan {
  const { config, data, extractor, domain, spec, headIndex } = of;
  // Where the spec is the extractor's own head on the source, the head trained with the extractor is the one meant.
  const own = domain === 'source' && isExtractorsHead(config, spec);
  const inputs = own
    ? { extractor: extractor.key, own: true }
    : {
        extractor: extractor.key,
        seed: config.seed,
        domain,
        data: data[domain],
        ...trainingOfHead(config, spec),
        ...(spec.boxTraining === undefined ? {} : { boxes: boxSource(config) }),
      };
  return { key: hash('head', inputs), kind: 'head', domain, head: headLabel(spec), headIndex, inputs };
}

/** A head with a draw bank reads nothing of the procedure, and its bank with all defaults filled in. */
function trainingOfHead(
  { training: { heads }, certification }: ExperimentConfig,
  { drawBank, ...spec }: HeadSpec,
): Readonly<Record<string, unknown>> {
  return drawBank === undefined
    ? { spec, training: effectiveTraining(heads, certification) }
    : {
        spec,
        training: { procedure: 'draw-bank', ...trainingPace(heads), ...effectiveDrawBank(drawBank, certification) },
      };
}

/** What of the certification box training reads. */
function boxSource({ certification: { sigma, draws, alpha, selection } }: ExperimentConfig): BoxSource {
  return { sigma, draws, alpha, selection };
}

/** Whether a head of the list is the one that the extractor was trained under. */
export function isExtractorsHead(config: ExperimentConfig, spec: HeadSpec): boolean {
  return canonicalize(spec) === canonicalize(config.extractor.head);
}

/**
 * The name of a head's score on validation images, by all that it depends on. It is kept with the head, which other searches and runs
 * share.
 */
export function headScoreKey(
  { headSearch, certification: { sigma, alpha, selection }, seed, precision }: ExperimentConfig,
  head: Pick<StagePlan, 'key'>,
): string {
  return hash('head-score', { head: head.key, search: headSearch, sigma, alpha, selection, seed, precision });
}

type EvaluationKind = 'prediction' | 'noise-attack' | 'pgd' | 'adversarial-search' | 'certification';

function evaluationPlan(kind: EvaluationKind, head: StagePlan, settings: Readonly<Record<string, unknown>>): StagePlan {
  const inputs = { head: head.key, domain: head.domain, ...settings };
  return { ...head, key: hash(kind, inputs), kind, inputs };
}
