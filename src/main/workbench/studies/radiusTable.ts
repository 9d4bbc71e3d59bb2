import type { MeasuredValue, StudyColumn, StudyRow, StudyTable, StudyValue } from '../../../shared/studyReport.ts';
import { domainsOfHeads, type Domain } from '../../../shared/config.ts';
import { accuracyAt, ANY_SOUND, everyCurve, meanRadiusOf, type CertifiedCurve } from '../curves/certifiedAccuracy.ts';
import { headLabel } from '../stageKeys.ts';
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

/** Radii of the columns, in σ. */
export const MULTIPLES_OF_SIGMA = [0, 0.5, 1, 1.5, 2] as const;

const COLUMNS: readonly StudyColumn[] = [
  ...MULTIPLES_OF_SIGMA.map((multiple): StudyColumn => ({
    key: `at${multiple}`,
    group: 'A_V at a radius of',
    title: multiple === 0 ? '0' : `${multiple} σ`,
    unit: 'percent',
  })),
  { key: 'radiusOfAll', group: 'Mean radius', title: 'all', unit: 'length' },
  { key: 'radiusOfCertified', group: 'Mean radius', title: 'certified', unit: 'length' },
];

/**
 * Certified accuracy at multiples of σ and mean radii, a row for each method and sound rule (METHOD.md §4, metrics). The mean over all
 * counts 0 where there is no certificate for the own class.
 */
export function radiusTable({ store, data, stored }: Inputs): StudyTable {
  const curves = new Map(
    stored.cells.flatMap(({ run }) => (run === null ? [] : [[run.run.id, everyCurve(store, run)] as const])),
  );
  const domains = domainsOfHeads({ headsOn: stored.cells.flatMap(({ cell }) => domainsOfHeads(cell.config)) });
  const rows = domains.flatMap((domain) =>
    placesOf(stored).flatMap((place): StudyRow[] => {
      const ofPlace = curvesOfPlace(place, { domain, curves });
      const about = aboutRuns(store, data, [place]);
      return [...Map.groupBy(ofPlace, ({ curve }) => methodName(curve))].map(([method, having]) => ({
        keys: [place.transferName, domain, headLabel(place.head), place.procedure, ...sigmaKey(place), method],
        values: COLUMNS.map(({ key }) => valueOf(key, having)),
        ...about,
      }));
    }),
  );
  return {
    kind: 'radius',
    title: 'Certified accuracy by radius (L2), from the same draws for every head and method',
    keys: ['Transfer', 'Domain', 'Head', 'Training', ...sigmaTitle(stored), 'Method'],
    columns: COLUMNS,
    rows,
    hasPublished: false,
  };
}

interface CurveOfRun {
  readonly run: number;
  readonly seed: number;
  readonly sigma: number;
  readonly curve: CertifiedCurve;
}

function curvesOfPlace(
  { cells, head }: Place,
  of: { readonly domain: Domain; readonly curves: ReadonlyMap<number, readonly CertifiedCurve[]> },
): CurveOfRun[] {
  const label = headLabel(head);
  return cells.flatMap(({ cell, run }) => {
    if (run === null) return [];
    const { id } = run.run;
    return of.curves
      .get(id)!
      .filter((curve) => curve.domain === of.domain && curve.head === label)
      .map((curve) => ({ run: id, seed: cell.seed, sigma: cell.config.certification.sigma, curve }));
  });
}

/** "label", "representation, interval". */
export function methodName({ method, rule, soundness }: CertifiedCurve): string {
  if (rule === null) return method;
  const name = rule === ANY_SOUND ? 'any sound rule' : rule;
  return `${method}, ${name}${soundness === 'proved' ? '' : ' (no proof)'}`;
}

function valueOf(key: string, having: readonly CurveOfRun[]): StudyValue {
  const multiple = MULTIPLES_OF_SIGMA.find((one) => key === `at${one}`);
  const values = having.flatMap(({ run, seed, sigma, curve }): MeasuredValue[] => {
    if (multiple !== undefined) return [{ run, seed, ...percentOf(accuracyAt(curve, multiple * sigma).certified) }];
    const radius = meanRadiusOf(curve, key === 'radiusOfAll' ? 'all' : 'certified');
    return radius === null ? [] : [{ run, seed, value: radius, share: null }];
  });
  return { ours: overSeeds(values), published: null, difference: null };
}
