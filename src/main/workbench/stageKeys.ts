import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { StageKind } from '../store/tables/stage.ts';
import type { Domain, ExperimentConfig, HeadSpec } from '../../shared/config.ts';

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
  readonly domains: Readonly<Record<Domain, { readonly fingerprint: string }>>;
}

/** The files by content, and what is taken of them. */
export function dataKeys(config: ExperimentConfig, { domains }: Fingerprints): DataKeys {
  const { source, target } = config;
  const text = (value: unknown): string => canonicalize(value) ?? '';
  const taken = (domain: Domain, instances: number | undefined): unknown => ({
    fingerprint: domains[domain].fingerprint,
    trainingInstances: instances ?? 'all',
  });
  const sourceKey = taken('source', source.trainingInstances);
  return {
    source: text(sourceKey),
    // The target is normalised, and by default resized, as the source is.
    target: text({ target: taken('target', target.trainingInstances), size: target.size, source: sourceKey }),
  };
}

/** "4-layer wn", with what differs from the defaults behind it. */
export function headLabel({ layers, constraint, bound, hiddenWidth, groupSize, temperature }: HeadSpec): string {
  const extras = [
    constraint !== 'none' && bound !== 1 ? `bound ${bound}` : '',
    hiddenWidth !== undefined && layers > 1 ? `width ${hiddenWidth}` : '',
    groupSize !== 2 && layers > 1 ? `groups of ${groupSize}` : '',
    temperature !== 1 ? `temperature ${temperature}` : '',
  ].filter((text) => text !== '');
  return [`${layers}-layer ${constraint}`, ...extras].join(', ');
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
  const source = heads('source');
  const target = heads('target');
  const onHeads = [...source, ...target];
  const { instances, seed, precision } = config;
  const evaluation = { instances, seed, precision };
  const evaluated = (build: (head: StagePlan) => StagePlan): StagePlan[] => onHeads.map(build);
  return [
    extractor,
    ...onHeads,
    ...evaluated((head) => evaluationPlan('prediction', head, evaluation)),
    ...(config.pgd.enabled
      ? evaluated((head) => evaluationPlan('pgd', head, { ...evaluation, pgd: withoutSwitch(config.pgd) }))
      : []),
    ...(config.certification.enabled
      ? evaluated((head) =>
          evaluationPlan('certification', head, { ...evaluation, certification: withoutSwitch(config.certification) }),
        )
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

function extractorPlan(config: ExperimentConfig, data: DataKeys): StagePlan {
  const inputs = {
    seed: config.seed,
    data: data.source,
    preset: config.extractor.preset,
    head: config.extractor.head,
    training: config.training.source,
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
        spec,
        training: config.training.heads,
      };
  return { key: hash('head', inputs), kind: 'head', domain, head: headLabel(spec), headIndex, inputs };
}

/** Whether a head of the list is the one that the extractor was trained under. */
export function isExtractorsHead(config: ExperimentConfig, spec: HeadSpec): boolean {
  return canonicalize(spec) === canonicalize(config.extractor.head);
}

function evaluationPlan(
  kind: 'prediction' | 'pgd' | 'certification',
  head: StagePlan,
  settings: Readonly<Record<string, unknown>>,
): StagePlan {
  const inputs = { head: head.key, domain: head.domain, ...settings };
  return { ...head, key: hash(kind, inputs), kind, inputs };
}
