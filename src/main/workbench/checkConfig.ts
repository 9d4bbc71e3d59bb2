import { CONSTRAINTS, DOMAINS, type ExperimentConfig } from '../../shared/config.ts';
import { datasetFacts, factsLookup, type FactsLookup } from '../data/datasetFacts.ts';
import { datasetLabel } from '../../shared/datasetLabel.ts';
import { validationCount } from '../data/split.ts';
import { applicableRules } from '../engine/smoothing/applicableRules.ts';
import { hiddenWidth } from '../engine/models/headShape.ts';
import { representationSize, WIDE_RES_NETS } from '../engine/models/wideResNetShape.ts';
import { boxIndex, type BoxIndex } from '../engine/training/boxIndex.ts';
import { effectiveDrawBank } from '../engine/training/effectiveDrawBank.ts';
import { LARGEST_LATTICE_SIGMA, SMALLEST_LATTICE_SIGMA } from '../math/lattice/lattice.ts';
import { labelLevel, logitLevel, pairwiseLevel, representationLevel } from '../math/levels.ts';
import { smallestDrawsForLabel, smallestDrawsThatCertify } from '../math/orderStatistics.ts';
import { BadInput } from './errors.ts';
import { invalid } from './loadConfig.ts';
import { headLabel } from './stageKeys.ts';

/**
 * Refuses a config that the backend which serves cannot compute.
 * @throws BadInput with key, value and what is allowed
 */
export function checkBackend({ precision }: ExperimentConfig, { name }: { readonly name: string }): void {
  if (precision === 'float32' || name === 'tensorflow') return;
  throw new BadInput(
    `precision: got "${precision}", the ${name} backend computes in "float32" only; ` +
      '"bfloat16" and "float16" need tensorflow (ptw doctor says how to have it)',
  );
}

/**
 * Refuses what each key allows alone but cannot work together, before anything runs.
 * @throws BadInput with a line for each problem: key, value, what is allowed; DataError for a folder that is no set of images
 */
export function checkConfig(config: ExperimentConfig): void {
  for (const domain of DOMAINS) datasetFacts(config[domain].dataset);
  const problems = contradictions(config);
  if (problems.length > 0) throw new BadInput(invalid('the experiment cannot run', problems));
}

/**
 * What of a config cannot work together, a sentence each. Nothing is said of a folder that is not there: what was done with it may
 * still be shown.
 */
export function contradictions(config: ExperimentConfig, facts: FactsLookup = factsLookup()): string[] {
  return [
    ...channelProblems(config, facts),
    ...headProblems(config),
    ...ruleProblems(config),
    ...drawProblems(config, facts),
    ...searchProblems(config, facts),
    ...latticeProblems(config),
    ...boxProblems(config),
    ...bankProblems(config),
  ];
}

function channelProblems({ source, target }: ExperimentConfig, facts: FactsLookup): string[] {
  const from = facts(source.dataset)?.shape.channels;
  const to = facts(target.dataset)?.shape.channels;
  if (from === undefined || to === undefined || from === to) return [];
  const [sourceName, targetName] = [source, target].map(({ dataset }) => datasetLabel(dataset));
  const folder = [source, target].some(({ dataset }) => typeof dataset !== 'string');
  return [
    `target.dataset: got "${targetName}" with ${to} channels, the source "${sourceName}" has ${from}; ` +
      `one extractor reads both, so choose sets with as many channels${folder ? ', or give "channels" beside "folder"' : ''}`,
  ];
}

function headProblems(config: ExperimentConfig): string[] {
  const inputs = representationSize(WIDE_RES_NETS[config.extractor.preset]);
  const labels = config.heads.map(headLabel);
  const named = [
    { key: 'extractor.head', spec: config.extractor.head },
    ...config.heads.map((spec, i) => ({ key: `heads.${i}`, spec })),
  ];
  const widths = named.flatMap(({ key, spec }) => {
    const width = hiddenWidth({ spec, inputs });
    return spec.layers === 1 || width % spec.groupSize === 0
      ? []
      : [`${key}.groupSize: got ${spec.groupSize}, which does not divide the hidden width ${width}; choose a divisor`];
  });
  const twice = labels.flatMap((label, i) =>
    labels.indexOf(label) < i
      ? [`heads.${i}: "${label}" is in the list already (heads.${labels.indexOf(label)}); remove one`]
      : [],
  );
  return [...widths, ...twice];
}

/** What box training asks for that the rest of the config does not give. */
function boxProblems(config: ExperimentConfig): string[] {
  const dimension = representationSize(WIDE_RES_NETS[config.extractor.preset]);
  const { heads, extractor, training, certification } = config;
  const ofExtractor =
    extractor.head.boxTraining === undefined
      ? []
      : [
          'extractor.head.boxTraining: got one, expected none: its boxes are those of a frozen extractor; ' +
            'give it to a head of "heads"',
        ];
  const ofHeads = heads.flatMap(({ boxTraining }, i) => {
    if (boxTraining === undefined) return [];
    const { radius, rampEpochs, instances } = boxTraining;
    const found = boxIndex(certification, dimension, radius);
    const { maxEpochs } = training.heads;
    return [
      ...(found.outcome === 'found' ? [] : [`heads.${i}.boxTraining.radius: got ${radius}, ${noBoxes(config, found)}`]),
      ...(rampEpochs < maxEpochs
        ? []
        : [
            `heads.${i}.boxTraining.rampEpochs: got ${rampEpochs}, expected less than training.heads.maxEpochs ${maxEpochs}, ` +
              'since no epoch on the ramp can be the best; raise maxEpochs or lower rampEpochs',
          ]),
      ...tooFewImages(config, instances).map((problem) => `heads.${i}.boxTraining.instances: ${problem}`),
    ];
  });
  return [...ofExtractor, ...ofHeads];
}

/** What a draw bank asks for that cannot be had. */
function bankProblems({ heads, extractor, certification }: ExperimentConfig): string[] {
  const ofExtractor =
    extractor.head.drawBank === undefined
      ? []
      : [
          'extractor.head.drawBank: got one, expected none: its draws are those of a frozen extractor; give it to a head of ' +
            '"heads", and training.source.procedure "gaussian" to the extractor',
        ];
  const ofHeads = heads.flatMap(({ drawBank }, i) => {
    if (drawBank === undefined) return [];
    const { draws, drawsPerStep, objective } = effectiveDrawBank(drawBank, certification);
    const key = `heads.${i}.drawBank`;
    return [
      ...(drawsPerStep <= draws
        ? []
        : [`${key}.drawsPerStep: got ${drawsPerStep}, expected at most the ${draws} of draws`]),
      ...(objective !== 'consistency' || drawsPerStep >= 2
        ? []
        : [
            `${key}.${draws < 2 ? 'draws' : 'drawsPerStep'}: got 1, expected at least 2: a single draw is consistent with itself`,
          ]),
    ];
  });
  return [...ofExtractor, ...ofHeads];
}

function noBoxes({ certification }: ExperimentConfig, { largest }: Extract<BoxIndex, { outcome: 'none' }>): string {
  const { draws, alpha } = certification;
  return largest === null
    ? `but ${draws} draws give no box at all at alpha ${alpha}; raise certification.draws`
    : `expected at most ${largest}, the largest radius in σ that ${draws} draws give at alpha ${alpha}; lower it or raise certification.draws`;
}

/** Where the number of training images is in the config; else the training itself refuses. */
function tooFewImages(config: ExperimentConfig, instances: number): string[] {
  return DOMAINS.flatMap((domain) => {
    const { trainingInstances } = config[domain];
    if (trainingInstances === undefined) return [];
    const training = trainingInstances - validationCount(trainingInstances);
    return instances <= training
      ? []
      : [
          `got ${instances}, expected at most the ${training} training images that ${domain}.trainingInstances leaves; ` +
            'lower it or raise trainingInstances',
        ];
  });
}

/** A head for which no rule of the list applies would have no representation certificate at all. */
function ruleProblems({ heads, certification: { enabled, methods, rules } }: ExperimentConfig): string[] {
  if (!enabled || !methods.includes('representation')) return [];
  return heads.flatMap((head, i) =>
    applicableRules(rules, head).length > 0
      ? []
      : [
          `certification.rules: got [${rules.join(', ')}], of which none applies to heads.${i} with constraint "${head.constraint}": ` +
            `"paper" reads the bound of a constraint (${CONSTRAINTS.filter((c) => c !== 'none').join(', ')}); add "interval" or another sound rule`,
        ],
  );
}

/** What a lattice leaves of α at least, whatever the images are, from the smallest α that is taken with one on. */
const LATTICE_SHARE = 1 - 2 ** -10;
const SMALLEST_LATTICE_ALPHA = 1e-9;

function latticeProblems({ certification: { enabled, noise, sigma, alpha } }: ExperimentConfig): string[] {
  if (!enabled || noise === 'float32') return [];
  return [
    ...(sigma >= SMALLEST_LATTICE_SIGMA && sigma <= LARGEST_LATTICE_SIGMA
      ? []
      : [
          `certification.sigma: got ${sigma} with noise "lattice", expected from 2^-100 to 2^60, so that float32 holds the lattice`,
        ]),
    ...(alpha >= SMALLEST_LATTICE_ALPHA
      ? []
      : [
          `certification.alpha: got ${alpha} with noise "lattice", expected at least ${SMALLEST_LATTICE_ALPHA}: the lattice takes a part of it; ` +
            'choose a larger alpha or noise "float32"',
        ]),
  ];
}

function drawProblems(config: ExperimentConfig, facts: FactsLookup): string[] {
  const { enabled, selection, methods, draws, logitTest, noise } = config.certification;
  if (!enabled) return [];
  const alpha = noise === 'lattice' ? config.certification.alpha * LATTICE_SHARE : config.certification.alpha;
  const classes = mostClasses(config, facts);
  const dimension = representationSize(WIDE_RES_NETS[config.extractor.preset]);
  const smallest = {
    label: () => smallestDrawsForLabel(labelLevel({ alpha, selection, classes })),
    pairwise: () => smallestDrawsForLabel(pairwiseLevel({ alpha, selection, classes })),
    logit: () => smallestDrawsThatCertify(logitLevel({ alpha, selection, classes, logitTest })),
    representation: () => smallestDrawsThatCertify(representationLevel({ alpha, selection, dimension })),
  };
  return methods.flatMap((method) => {
    const least = smallest[method]();
    return draws >= least
      ? []
      : [
          `certification.draws: got ${draws}, with which no ${method} certificate is possible at alpha ${config.certification.alpha}; ` +
            `the smallest n that can certify is ${least}`,
        ];
  });
}

/** The more classes, the more draws: the domain with more of them decides. */
const mostClasses = (config: ExperimentConfig, facts: FactsLookup): number =>
  Math.max(...DOMAINS.map((domain) => facts(config[domain].dataset)?.classes.length ?? 2));

/** With too few draws every head's score would be 0. */
function searchProblems(config: ExperimentConfig, facts: FactsLookup): string[] {
  if (config.headSearch === undefined) return [];
  const { draws } = config.headSearch;
  const { alpha, selection } = config.certification;
  const least = smallestDrawsForLabel(labelLevel({ alpha, selection, classes: mostClasses(config, facts) }));
  return draws >= least
    ? []
    : [
        `headSearch.draws: got ${draws}, with which no label certificate is possible at alpha ${alpha}; ` +
          `the smallest n that can certify is ${least}`,
      ];
}
