import type { Constraint, LogitTest, Method, NoiseKind, Precision, Rule, Selection } from './config.ts';

/**
 * What a run yields for each sample, and the evidence under it. Evidence holds what rechecks a verdict without the
 * extractor (METHOD.md §4): the verdict itself is always a function of evidence and head, in src/main/math.
 */

/** L2 distance in normalised input units. */
export type RadiusNormalised = number & { readonly unit?: 'normalised' };
/** L2 distance in pixel units, intensities in [0, 1]. */
export type RadiusPixels = number & { readonly unit?: 'pixel' };

/** What every method's evidence says of its draws. */
export interface DrawsEvidence {
  /** Seed of the run; with the dataset index it keys the Philox stream (METHOD.md §4). */
  readonly seed: number;
  readonly sigma: number;
  readonly alpha: number;
  /** n, the estimation draws. */
  readonly draws: number;
  /** n₀; 0 when the selection is shared. */
  readonly selectionDraws: number;
  readonly selection: Selection;
  /** Of the extractor's convolutions: the same weights in another precision are another model. */
  readonly precision: Precision;
  /** How the noise was drawn and added; on the lattice, α and the radius pay for it (METHOD.md §4). */
  readonly noise: NoiseKind;
  /** d, values of one input image; 0 for `float32`, where nothing depends on it. */
  readonly inputs: number;
}

export interface LabelEvidence extends DrawsEvidence {
  readonly method: 'label';
  /** [K] votes among the selection draws; the votes themselves when the selection is shared. */
  readonly selectionCounts: Int32Array;
  /** [K] votes among the estimation draws. */
  readonly counts: Int32Array;
}

export interface PairwiseEvidence extends DrawsEvidence {
  readonly method: 'pairwise';
  /** [K] for each class, its fewest wins against any rival among the selection draws. */
  readonly selectionWorstWins: Int32Array;
  /** [K] wins of the class under test against each rival among the estimation draws; its own entry is n. */
  readonly wins: Int32Array;
}

export interface LogitEvidence extends DrawsEvidence {
  readonly method: 'logit';
  readonly logitTest: LogitTest;
  /** [K] medians of the selection draws; empty when the selection is shared. */
  readonly selectionMedian: Float32Array;
  /** [K] medians of the estimation draws. */
  readonly median: Float32Array;
  /** Index of the order statistic of the box, 1 ≤ k ≤ n/2. */
  readonly k: number;
  /** [K] z_(k) and z_(n+1−k) of each logit. */
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

export interface RepresentationEvidence extends DrawsEvidence {
  readonly method: 'representation';
  readonly rule: Rule;
  /** [D] median of the selection draws; empty when the selection is shared. */
  readonly selectionMedian: Float32Array;
  /** [D] median of the estimation draws. */
  readonly median: Float32Array;
  readonly k: number;
  /** [D] the box B of index k. */
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  /** [K] proved lower bound of h_c − h_j on B under the rule; +Infinity at c. */
  readonly marginLower: Float64Array;
}

export type Evidence = LabelEvidence | PairwiseEvidence | LogitEvidence | RepresentationEvidence;

/** What each kind of noise means for a certificate, as views say it. */
export const NOISE_KIND_TEXTS: Readonly<Record<NoiseKind, string>> = {
  float32: 'drawn and added in float32, whose rounding the certificates do not account for',
  lattice: 'on a lattice, exact; the certificates hold in floating point, and their radii and levels pay for it',
};

export const ABSTENTIONS = {
  'no-majority': 'no class is proved to win more than half of the noisy votes',
  'a-rival-may-win': 'some rival is not proved to lose its duel',
  'boxes-overlap': 'the logit bounds of the class and of some rival overlap',
  'median-disagrees': 'the prediction at the median differs from the class under test',
  'margin-not-positive': 'the margin is not proved positive on the smallest box',
  'not-finite': 'a representation or logit is not a finite number',
  'below-lattice': 'the radius is smaller than what rounding the image to the lattice may cost',
} as const;
export type AbstentionReason = keyof typeof ABSTENTIONS;

/** Whether a certificate is a proof: a `paper` verdict under a constraint that does not bound L∞ is none. */
export type Soundness = 'proved' | 'published-rule';

export type Verdict =
  | {
      readonly outcome: 'certified';
      /** The class that no perturbation within the radius changes. */
      readonly predicted: number;
      readonly radiusNormalised: RadiusNormalised;
    }
  | { readonly outcome: 'abstained'; readonly predicted: number; readonly reason: AbstentionReason };

/** A head as certificates need it: effective weights after the constraint. */
export interface HeadWeights {
  readonly constraint: Constraint;
  readonly bound: number;
  readonly groupSize: number;
  /** In order from the representation to the logits. */
  readonly layers: readonly DenseLayer[];
}
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs], row-major. */
  readonly weight: Float32Array;
  /** [outputs] */
  readonly bias: Float32Array;
}

/** A point of a box, of representations, at which another class wins: the certificate that rests on the box is wrong. */
export interface FalsifyingPoint {
  /** Index of the order statistics of the box that was searched. */
  readonly k: number;
  /** The class that wins there. */
  readonly rival: number;
  /** Upper bound of h_c − h_rival there, rounded up; ≤ 0. */
  readonly marginUpper: number;
  /** [D] */
  readonly point: Float32Array;
}

/** What a search for falsifying points found (METHOD.md §4); null where none was found. */
export interface Falsification {
  /** In the box of the certificate's own radius. */
  readonly atRadius: FalsifyingPoint | null;
  /** In the smallest box, on which the certificate at radius 0 rests. */
  readonly atSmallestBox: FalsifyingPoint | null;
}

/** One certificate as stored: a head's answer on one test instance by one method and, for representations, one rule. */
export interface CertificateRecord {
  readonly datasetIndex: number;
  readonly label: number;
  readonly method: Method;
  /** Null for every method but representation. */
  readonly rule: Rule | null;
  readonly soundness: Soundness;
  readonly verdict: Verdict;
  /** Null when abstained. */
  readonly radiusPixels: RadiusPixels | null;
  /** Prediction of the median, of representations or logits; null for label and pairwise. */
  readonly medianPrediction: number | null;
  readonly evidence: Evidence;
  /** Null when there was nothing to search: a rule that is a proof, an abstention, or the search is switched off. */
  readonly falsification: Falsification | null;
}

/** The base classifier on one clean test instance. */
export interface PredictionRecord {
  readonly datasetIndex: number;
  readonly label: number;
  readonly predicted: number;
  /** [K] */
  readonly logits: Float32Array;
}

/** L2-PGD against one test instance. */
export interface PgdRecord {
  readonly datasetIndex: number;
  readonly label: number;
  /** True when the prediction was right on the clean input and at every step of every restart. */
  readonly robust: boolean;
  /** First step (0 is the clean input) with a wrong prediction; null when robust. */
  readonly brokenAtStep: number | null;
  /** L2 norm, normalised units, of the perturbation that first broke it; 0 for a clean mistake, null when robust. */
  readonly perturbationNorm: number | null;
  /** [H·W·C] that perturbation; null when robust or wrong already without it. */
  readonly perturbation: Float32Array | null;
  /** Share of steps whose input gradient was zero or not finite. */
  readonly zeroGradientShare: number;
  /**
   * Log-odds against the label at the start of the first restart, after half of its steps and at its end; null where it did
   * not come so far, and in results of before these were kept.
   */
  readonly lossStart: number | null;
  readonly lossHalf: number | null;
  readonly lossEnd: number | null;
}

/** What came of an attack or search, without its arrays: for counts and lists. */
export type PgdOutcome = Omit<PgdRecord, 'perturbation'>;
export type NoiseAttackOutcome = Omit<NoiseAttackRecord, 'perturbation'>;
export type AdversarialSearchOutcome = Omit<AdversarialSearchRecord, 'representation' | 'input'> & {
  readonly representation: Omit<NonNullable<AdversarialSearchRecord['representation']>, 'point'> | null;
  readonly input: Omit<NonNullable<AdversarialSearchRecord['input']>, 'perturbation'> | null;
};

/** The worst of a number of random perturbations of one test instance (METHOD.md §3). */
export interface NoiseAttackRecord {
  readonly datasetIndex: number;
  readonly label: number;
  /** True when the prediction was right on the clean input and at every draw. */
  readonly robust: boolean;
  /** First draw with a wrong prediction, from 1; 0 for a clean mistake, null when robust. */
  readonly brokenAtDraw: number | null;
  /** L2 norm, normalised units, of that draw; 0 for a clean mistake, null when robust. */
  readonly perturbationNorm: number | null;
  /** [H·W·C] that draw; null when robust or wrong already without it. */
  readonly perturbation: Float32Array | null;
}

/** A one-layer head's closest representation with another prediction, and how near an input comes to it (METHOD.md §3). */
export interface AdversarialSearchRecord {
  readonly datasetIndex: number;
  readonly label: number;
  /** Of the clean input. */
  readonly predicted: number;
  /** Null where the clean prediction is wrong already, and where the head predicts one class everywhere. */
  readonly representation: {
    readonly adversarialClass: number;
    /** ‖z' − z‖₂ */
    readonly distanceL2: number;
    /** ‖z' − z‖∞, of which z_Δ is the mean. */
    readonly distanceLinf: number;
    /** z', [D] */
    readonly point: Float32Array;
  } | null;
  /** Null where there is no adversarial representation, or no search was asked for. */
  readonly input: {
    /** Whether the prediction at x'' is another than the clean one. */
    readonly found: boolean;
    /** At x''. */
    readonly predicted: number;
    /** Taken from x to x''. */
    readonly steps: number;
    /** ‖x'' − x‖₂ and ‖x'' − x‖∞, normalised units. */
    readonly distanceL2: number;
    readonly distanceLinf: number;
    /** ‖f(x'') − z'‖∞ */
    readonly representationDistanceLinf: number;
    /** [H·W·C] x'' − x */
    readonly perturbation: Float32Array;
  } | null;
}

/**
 * Doubts that an evaluation by attack has of itself (METHOD.md §3): what was found, and what to try next. Where one holds,
 * the accuracy under attack may well be too high.
 */
export const SELF_CHECKS = {
  'zero-gradients': {
    finding: 'met gradients that are zero or not finite, where steps follow nothing',
    next: 'raise pgd.restarts, and look whether logits are constant or overflow',
  },
  'weaker-than-noise': {
    finding: 'withstand PGD beyond those that withstand random noise of no larger radius',
    next: 'raise pgd.restarts and pgd.steps; the gradients mislead',
  },
  'broken-late': {
    finding: 'broke only in the last half of the steps, so more steps would break more',
    next: 'double pgd.steps',
  },
  'loss-not-rising': {
    finding: 'have no higher loss at the end of the attack, or lost much of what its first half gained',
    next: 'halve pgd.relativeStep and double pgd.steps',
  },
} as const;
export type SelfCheckName = keyof typeof SELF_CHECKS;

/** So many of the instances that the check could judge; the text of the check goes on from there. */
export interface SelfCheckFinding {
  readonly check: SelfCheckName;
  readonly hits: number;
  readonly total: number;
}

/** What the self-checks of one head's PGD came to. */
export interface SelfChecks {
  /** Those that there was something to judge by; the rest are neither passed nor failed. */
  readonly made: readonly SelfCheckName[];
  readonly findings: readonly SelfCheckFinding[];
}

/** What certificates of validation images say of a head, by label smoothing. */
export interface HeadScore {
  /** Validation images. */
  readonly instances: number;
  /** Of them certified for their own class. */
  readonly certified: number;
  /** Over all of them, 0 where there is no certificate for the own class. */
  readonly meanRadiusNormalised: RadiusNormalised;
}
