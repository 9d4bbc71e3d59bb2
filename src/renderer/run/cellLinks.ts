import type { LocationQueryRaw } from 'vue-router';
import type { ReportRow } from '../../shared/report.ts';
import type { ReportColumn } from '../../shared/reportColumns.ts';

/** Which instances are behind each number of the table: those that it counts. */
const BEHIND: Partial<Record<string, Readonly<Record<string, string>>>> = {
  base_accuracy: { by: 'clean', outcome: 'correct' },
  label_certified_accuracy: { by: 'label', outcome: 'certified-correct' },
  label_mean_radius_normalised: { by: 'label', outcome: 'certified-correct', sort: 'radius', descending: '1' },
  representation_median_accuracy: { by: 'representation' },
  representation_certified_accuracy_paper_rule: { by: 'representation', rule: 'paper' },
  representation_certified_accuracy_proved: { by: 'representation', rule: 'any-sound', outcome: 'certified-correct' },
  logit_median_accuracy: { by: 'logit' },
  logit_certified_accuracy: { by: 'logit', outcome: 'certified-correct' },
  pairwise_certified_accuracy: { by: 'pairwise', outcome: 'certified-correct' },
  pairwise_mean_radius_normalised: { by: 'pairwise', outcome: 'certified-correct', sort: 'radius', descending: '1' },
  noise_attack_accuracy: { by: 'noise-attack', outcome: 'robust' },
  pgd_accuracy: { by: 'pgd', outcome: 'robust' },
};

/** The query of the certificates' view behind a cell; null for words. */
export function linkOf({ csvName }: ReportColumn, { domain, head }: ReportRow): LocationQueryRaw | null {
  const behind = BEHIND[csvName];
  return behind === undefined ? null : { domain, head, ...behind };
}
