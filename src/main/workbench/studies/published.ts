import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { DatasetChoice, DatasetName, Domain, HeadSpec } from '../../../shared/config.ts';
import type { PaperTableKind } from '../../../shared/studyReport.ts';
import { headLabel } from '../stageKeys.ts';

/** The paper's tables as they are bundled: percentages, and lengths in normalised or representation units. */
const FILE = new URL('../../../../resources/paper/tables.json', import.meta.url);

const number = z.number();
const constraint = z.enum(['None', 'WN']);
const domain = z.enum(['source', 'target']);
const common = { task: z.string(), constraint, layers: number };
const smoothed = z.object({
  ...common,
  domain,
  training: z.string(),
  AB: number,
  label: z.object({ AV: number, radius: number }),
  representation: z.object({ AM: number, AV: number }).optional(),
  logit: z.object({ AM: number, AV: number }),
});
const tablesSchema = z.object({
  table1: z.array(z.object({ ...common, accuracySource: number, accuracyTarget: number })),
  table2: z.array(
    z.object({
      ...common,
      domain,
      training: z.string(),
      accuracy: number,
      pz: number,
      deltaZ: number,
      px: number,
      deltaX: number,
      deltaZInput: number,
    }),
  ),
  table3: z.array(smoothed),
  table4: z.array(smoothed),
});

const NAMES: Readonly<Record<DatasetName, string>> = {
  'fashion-mnist': 'FMNIST',
  mnist: 'MNIST',
  kmnist: 'KMNIST',
  svhn: 'SVHN',
  cifar10: 'CIFAR10',
  stl10: 'STL10',
};

export type { PaperTableKind };

/** What a number of ours can be compared with. */
export interface Place {
  readonly source: DatasetChoice;
  readonly target: DatasetChoice;
  readonly domain: Domain;
  /** What the study calls the procedure: one of other settings under another name has no published counterpart. */
  readonly procedure: string;
  readonly head: HeadSpec;
}

export type PublishedTables = z.infer<typeof tablesSchema>;

let read: PublishedTables | null = null;

/** All of them, in percent and normalised units. */
export const publishedTables = (): PublishedTables =>
  (read ??= tablesSchema.parse(JSON.parse(readFileSync(FILE, 'utf8'))));

/** Published numbers of a place, by the key of a table's column; null where the paper has none. */
export function publishedAt(kind: PaperTableKind, place: Place): Readonly<Record<string, number>> | null {
  const { source, target } = place;
  if (typeof source !== 'string' || typeof target !== 'string') return null;
  const tables = publishedTables();
  const isHere = (row: {
    task: string;
    layers: number;
    constraint: 'None' | 'WN';
    domain?: Domain;
    training?: string;
  }): boolean =>
    row.task === `${NAMES[source]}→${NAMES[target]}` &&
    // A head whose label says more than layers and constraint is none of the paper's.
    headLabel(place.head) === `${row.layers}-layer ${row.constraint.toLowerCase()}` &&
    (row.domain ?? place.domain) === place.domain &&
    (row.training ?? 'normal') === place.procedure;
  switch (kind) {
    case 'accuracy': {
      const row = tables.table1.find(isHere);
      if (row === undefined) return null;
      return { accuracy: place.domain === 'source' ? row.accuracySource : row.accuracyTarget };
    }
    case 'searches': {
      const row = tables.table2.find(isHere);
      if (row === undefined) return null;
      const { accuracy, pz, deltaZ, px, deltaX, deltaZInput } = row;
      return { accuracy, pz, deltaZ, px, deltaX, deltaZInput };
    }
    case 'smoothing': {
      const row = [...tables.table3, ...tables.table4].find(isHere);
      if (row === undefined) return null;
      const { AB, label, representation, logit } = row;
      return {
        base: AB,
        labelCertified: label.AV,
        labelRadius: label.radius,
        logitMedian: logit.AM,
        logitCertified: logit.AV,
        ...(representation === undefined
          ? {}
          : { representationMedian: representation.AM, representationPaper: representation.AV }),
      };
    }
  }
}
