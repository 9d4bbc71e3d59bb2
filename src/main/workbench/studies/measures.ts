import type { Unit } from '../../../shared/studyReport.ts';
import type { ReportRow, Share } from '../../../shared/report.ts';
import type { PaperTableKind } from './published.ts';

/** Percent for shares, else a length in normalised or representation units. */
export type { Unit };

/** A column of a study's table: what it takes from a run's row. */
export interface Measure {
  readonly key: string;
  /** What stands over several columns. */
  readonly group: string;
  readonly title: string;
  readonly unit: Unit;
  readonly of: (row: ReportRow) => Share | number | null | undefined;
}

const accuracy = { unit: 'percent', of: (row: ReportRow) => row.baseAccuracy } as const;

/** Columns of each of the paper's kinds of table, under the keys that published numbers go by. */
export const MEASURES: Readonly<Record<PaperTableKind, readonly Measure[]>> = {
  accuracy: [{ key: 'accuracy', group: '', title: 'Acc.', ...accuracy }],
  searches: [
    { key: 'accuracy', group: '', title: 'Acc.', ...accuracy },
    {
      key: 'pz',
      group: 'Representation search',
      title: 'p_z',
      unit: 'percent',
      of: (row) => row.search?.representations,
    },
    {
      key: 'deltaZ',
      group: 'Representation search',
      title: 'z_Δ',
      unit: 'length',
      of: (row) => row.search?.meanRepresentationDistance,
    },
    { key: 'px', group: 'Input search', title: 'p_x', unit: 'percent', of: (row) => row.search?.inputs },
    { key: 'deltaX', group: 'Input search', title: 'x_Δ', unit: 'length', of: (row) => row.search?.meanInputDistance },
    {
      key: 'deltaZInput',
      group: 'Input search',
      title: 'z_Δ',
      unit: 'length',
      of: (row) => row.search?.meanRepresentationDistanceOfInputs,
    },
  ],
  smoothing: [
    { key: 'base', group: 'Base', title: 'A_B', ...accuracy },
    { key: 'labelCertified', group: 'Label', title: 'A_V', unit: 'percent', of: (row) => row.label?.certified },
    { key: 'labelRadius', group: 'Label', title: 'Rad.', unit: 'length', of: (row) => row.label?.meanRadius },
    {
      key: 'representationMedian',
      group: 'Representation',
      title: 'A_M',
      unit: 'percent',
      of: (row) => row.representation?.median,
    },
    {
      key: 'representationPaper',
      group: 'Representation',
      title: 'A_V paper',
      unit: 'percent',
      of: (row) => row.representation?.paper,
    },
    {
      key: 'representationProved',
      group: 'Representation',
      title: 'A_V proved',
      unit: 'percent',
      of: (row) => row.representation?.proved,
    },
    { key: 'logitMedian', group: 'Logit', title: 'A_M', unit: 'percent', of: (row) => row.logit?.median },
    { key: 'logitCertified', group: 'Logit', title: 'A_V', unit: 'percent', of: (row) => row.logit?.certified },
  ],
};
