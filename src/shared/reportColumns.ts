import type { ReportRow, Share } from './report.ts';

export type ReportCell =
  | { readonly kind: 'text'; readonly text: string }
  /** In % on a page, of 1 in a CSV file. */
  | { readonly kind: 'share'; readonly share: Share | null }
  /** Normalised units. */
  | { readonly kind: 'radius'; readonly radius: number | null };

/** One column of the run's table, whatever it is written as. */
export interface ReportColumn {
  /** Heading over neighbours of the same group; '' for none. */
  readonly group: string;
  readonly title: string;
  readonly csvName: string;
  readonly cell: (row: ReportRow) => ReportCell;
}

const text = (value: string): ReportCell => ({ kind: 'text', text: value });
const share = (value: Share | null | undefined): ReportCell => ({ kind: 'share', share: value ?? null });
const radius = (value: number | null | undefined): ReportCell => ({ kind: 'radius', radius: value ?? null });

/** In the order in which they are shown. Accuracies are shares of the instances. */
export const REPORT_COLUMNS: readonly ReportColumn[] = [
  { group: '', title: 'Domain', csvName: 'domain', cell: (row) => text(row.domain) },
  { group: '', title: 'Head', csvName: 'head', cell: (row) => text(row.head) },
  { group: 'Base', title: 'A_B', csvName: 'base_accuracy', cell: (row) => share(row.baseAccuracy) },
  { group: 'Label', title: 'A_V', csvName: 'label_certified_accuracy', cell: (row) => share(row.label?.certified) },
  {
    group: 'Label',
    title: 'Rad.',
    csvName: 'label_mean_radius_normalised',
    cell: (row) => radius(row.label?.meanRadius),
  },
  {
    group: 'Representation',
    title: 'A_M',
    csvName: 'representation_median_accuracy',
    cell: (row) => share(row.representation?.median),
  },
  {
    group: 'Representation',
    title: 'A_V paper',
    csvName: 'representation_certified_accuracy_paper_rule',
    cell: (row) => share(row.representation?.paper),
  },
  {
    group: 'Representation',
    title: 'A_V proved',
    csvName: 'representation_certified_accuracy_proved',
    cell: (row) => share(row.representation?.proved),
  },
  { group: 'Logit', title: 'A_M', csvName: 'logit_median_accuracy', cell: (row) => share(row.logit?.median) },
  { group: 'Logit', title: 'A_V', csvName: 'logit_certified_accuracy', cell: (row) => share(row.logit?.certified) },
  {
    group: 'Pairwise',
    title: 'A_V',
    csvName: 'pairwise_certified_accuracy',
    cell: (row) => share(row.pairwise?.certified),
  },
  {
    group: 'Pairwise',
    title: 'Rad.',
    csvName: 'pairwise_mean_radius_normalised',
    cell: (row) => radius(row.pairwise?.meanRadius),
  },
  { group: 'Attacked', title: 'Noise', csvName: 'noise_attack_accuracy', cell: (row) => share(row.noise) },
  { group: 'Attacked', title: 'PGD', csvName: 'pgd_accuracy', cell: (row) => share(row.pgd) },
];

/** Those in which something was computed; the rest would be dashes. */
export const shownColumns = (rows: readonly ReportRow[]): ReportColumn[] =>
  REPORT_COLUMNS.filter((column) => column.group === '' || rows.some((row) => cellText(column.cell(row)) !== '–'));

/** Neighbouring columns under one heading. */
export interface ColumnGroup {
  readonly title: string;
  readonly columns: number;
}

export function columnGroups(columns: readonly ReportColumn[] = REPORT_COLUMNS): ColumnGroup[] {
  const groups: { title: string; columns: number }[] = [];
  for (const { group } of columns) {
    const last = groups.at(-1);
    if (last?.title === group) last.columns++;
    else groups.push({ title: group, columns: 1 });
  }
  return groups;
}

/** Of 1; null of no instances. */
export const shareValue = (share: Share | null | undefined): number | null =>
  share === null || share === undefined || share.total === 0 ? null : share.hits / share.total;

/** In %; "–" of no instances. */
export function shareText(share: Share | null | undefined): string {
  const value = shareValue(share);
  return value === null ? '–' : (100 * value).toFixed(1);
}

/** As on a page: accuracies in %, "–" where nothing was computed. */
export function cellText(cell: ReportCell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text;
    case 'share':
      return shareText(cell.share);
    case 'radius':
      return cell.radius === null ? '–' : cell.radius.toFixed(3);
  }
}

/** As in a file that programs read: all digits, null where nothing was computed. */
export function cellValue(cell: ReportCell): string | number | null {
  switch (cell.kind) {
    case 'text':
      return cell.text;
    case 'share':
      return shareValue(cell.share);
    case 'radius':
      return cell.radius;
  }
}
