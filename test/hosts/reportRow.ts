import type { ReportRow } from '../../src/shared/report.ts';

/** A row of a run that computed nothing yet. */
export const ROW: ReportRow = {
  domain: 'target',
  head: '1-layer wn',
  baseAccuracy: null,
  label: null,
  representation: null,
  logit: null,
  pairwise: null,
  noise: null,
  pgd: null,
  selfChecks: null,
  search: null,
};
