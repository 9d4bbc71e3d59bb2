import type { ANY_SOUND_RULE, ListedBy, Outcome } from './api/certificates.ts';
import type { Rule } from './config.ts';
import type { ReportColumn } from './reportColumns.ts';

/** A list of instances, as the API selects them. */
export interface CountedInstances {
  readonly by: ListedBy;
  readonly outcome: Outcome;
  readonly rule?: Rule | typeof ANY_SOUND_RULE;
}

/** By column: the instances that its share counts, or that its mean is over. */
const COUNTED: Partial<Record<string, CountedInstances>> = {
  base_accuracy: { by: 'clean', outcome: 'correct' },
  label_certified_accuracy: { by: 'label', outcome: 'certified-correct' },
  label_mean_radius_normalised: { by: 'label', outcome: 'certified-correct' },
  representation_median_accuracy: { by: 'representation-median', outcome: 'correct' },
  representation_certified_accuracy_paper_rule: { by: 'representation', rule: 'paper', outcome: 'published-correct' },
  representation_certified_accuracy_proved: { by: 'representation', rule: 'any-sound', outcome: 'certified-correct' },
  logit_median_accuracy: { by: 'logit-median', outcome: 'correct' },
  logit_certified_accuracy: { by: 'logit', outcome: 'certified-correct' },
  pairwise_certified_accuracy: { by: 'pairwise', outcome: 'certified-correct' },
  pairwise_mean_radius_normalised: { by: 'pairwise', outcome: 'certified-correct' },
  noise_attack_accuracy: { by: 'noise-attack', outcome: 'robust' },
  pgd_accuracy: { by: 'pgd', outcome: 'robust' },
};

/** Null for columns of words. */
export const countedInstances = ({ csvName }: Pick<ReportColumn, 'csvName'>): CountedInstances | null =>
  COUNTED[csvName] ?? null;
