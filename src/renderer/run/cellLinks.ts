import type { LocationQueryRaw } from 'vue-router';
import { countedInstances } from '../../shared/countedInstances.ts';
import type { ReportRow } from '../../shared/report.ts';
import type { ReportColumn } from '../../shared/reportColumns.ts';

/** The query of the certificates' view behind a cell: what it counts, radii from the largest; null for words. */
export function linkOf(column: ReportColumn, row: ReportRow): LocationQueryRaw | null {
  const counted = countedInstances(column);
  if (counted === null) return null;
  const order = column.cell(row).kind === 'radius' ? { sort: 'radius', descending: '1' } : {};
  return { domain: row.domain, head: row.head, ...counted, ...order };
}
