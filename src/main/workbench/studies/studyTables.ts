import { DOMAINS, domainsOfHeads, type Domain } from '../../../shared/config.ts';
import type { Store } from '../../store/store.ts';
import type {
  MeasuredValue,
  StudyColumn,
  StudyRow,
  StudyTable,
  StudyValue,
  PaperTableKind,
} from '../../../shared/studyReport.ts';
import { headLabel } from '../stageKeys.ts';
import { DataAtHand } from './dataAtHand.ts';
import { MEASURES, type Measure } from './measures.ts';
import { publishedAt } from './published.ts';
import { radiusTable } from './radiusTable.ts';
import type { StoredStudy } from './storedStudy.ts';
import {
  aboutRuns,
  overSeeds,
  percentOf,
  placesOf,
  sigmaKey,
  sigmaTitle,
  type Inputs,
  type Place,
} from './studyPlaces.ts';

export type { MeasuredValue, StudyColumn, StudyRow, StudyTable, StudyValue };

const TITLES: Readonly<Record<PaperTableKind, string>> = {
  accuracy: "Accuracy by constraint and layers (the shape of the paper's Table 1)",
  searches: "Adversarial representations and inputs (the shape of the paper's Table 2)",
  smoothing: "Smoothing certificates (the shape of the paper's Tables 3 and 4)",
};

/** The paper's tables that a study has the numbers of, from the store alone. */
export function studyTables(store: Store, stored: StoredStudy): StudyTable[] {
  const configs = stored.cells.map(({ cell }) => cell.config);
  const searched = configs.some(({ adversarialSearch }) => adversarialSearch.enabled);
  const certified = configs.some(({ certification }) => certification.enabled);
  const data = new DataAtHand();
  return [
    ...(searched || certified ? [] : [accuracyTable(store, data, stored)]),
    ...(searched ? [rowPerDomain('searches', { store, data, stored })] : []),
    ...(certified ? [rowPerDomain('smoothing', { store, data, stored })] : []),
    ...(certified && stored.study.radiusTable === true ? [radiusTable({ store, data, stored })] : []),
  ];
}

function valueAt(measure: Measure, kind: PaperTableKind, place: Place, domain: Domain): StudyValue {
  const head = headLabel(place.head);
  const values = place.cells.flatMap(({ cell, run, rows }): MeasuredValue[] => {
    const row = rows.find((one) => one.domain === domain && one.head === head);
    const found = row === undefined ? null : measure.of(row);
    if (found === null || found === undefined || run === null) return [];
    const where = { run: run.run.id, seed: cell.seed };
    if (typeof found === 'number') return [{ ...where, value: found, share: null }];
    return found.total === 0 ? [] : [{ ...where, ...percentOf(found) }];
  });
  const { source, target } = place.transfer;
  const names = { source: source.dataset, target: target.dataset };
  const published =
    publishedAt(kind, { ...names, domain, procedure: place.procedure, head: place.head })?.[measure.key] ?? null;
  const ours = overSeeds(values);
  return { ours, published, difference: ours === null || published === null ? null : ours.mean - published };
}

/** Tables 2 to 4: a row for each domain, head and procedure. */
function rowPerDomain(kind: PaperTableKind, { store, data, stored }: Inputs): StudyTable {
  const measures = MEASURES[kind];
  const places = placesOf(stored);
  const domains = domainsOfHeads({ headsOn: stored.cells.flatMap(({ cell }) => domainsOfHeads(cell.config)) });
  const groups = [...Map.groupBy(places, ({ transferName, head }) => `${transferName} ${head.layers}`).values()];
  const rows = groups.flatMap((group) =>
    domains.flatMap((domain) =>
      group.map((place) => ({
        keys: [place.transferName, domain, headLabel(place.head), place.procedure, ...sigmaKey(place)],
        values: measures.map((measure) => valueAt(measure, kind, place, domain)),
        ...aboutRuns(store, data, [place]),
      })),
    ),
  );
  const columns = measures.map(({ key, group, title, unit }) => ({ key, group, title, unit }));
  return finished({
    kind,
    title: TITLES[kind],
    keys: ['Transfer', 'Domain', 'Head', 'Training', ...sigmaTitle(stored)],
    columns,
    rows,
  });
}

/** Table 1: a row for each head and procedure, with the domains of each transfer side by side. */
function accuracyTable(store: Store, data: DataAtHand, stored: StoredStudy): StudyTable {
  const [measure] = MEASURES.accuracy;
  const places = placesOf(stored);
  const transfers = [...Map.groupBy(places, ({ transfer }) => transfer).keys()];
  const nameOf = new Map(places.map(({ transfer, transferName }) => [transfer, transferName]));
  const columns = transfers.flatMap((transfer, i) =>
    DOMAINS.map((domain) => ({
      key: `${i}_${domain}`,
      group: nameOf.get(transfer)!,
      title: domain,
      unit: measure.unit,
    })),
  );
  const byRow = Map.groupBy(places, ({ head, procedure, sigma }) =>
    JSON.stringify([headLabel(head), procedure, sigma]),
  );
  const rows = [...byRow.values()].map((ofRow) => ({
    keys: [headLabel(ofRow[0].head), ofRow[0].procedure, ...sigmaKey(ofRow[0])],
    values: ofRow.flatMap((place) => DOMAINS.map((domain) => valueAt(measure, 'accuracy', place, domain))),
    ...aboutRuns(store, data, ofRow),
  }));
  return finished({
    kind: 'accuracy',
    title: TITLES.accuracy,
    keys: ['Head', 'Training', ...sigmaTitle(stored)],
    columns,
    rows,
  });
}

function finished(table: Omit<StudyTable, 'hasPublished'>): StudyTable {
  const hasPublished = table.rows.some(({ values }) => values.some(({ published }) => published !== null));
  return { ...table, hasPublished };
}
