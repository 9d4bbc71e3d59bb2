import type { Domain } from '../../src/shared/config.ts';
import type { MeasuredValue, StudyRow, StudyTable } from '../../src/shared/studyReport.ts';
import { MULTIPLES_OF_SIGMA } from '../../src/main/workbench/studies/radiusTable.ts';
import { markdownTable } from '../table.ts';

/** A row of a study's table of radii, with its keys by name. */
interface RadiusRow {
  readonly domain: Domain;
  readonly head: string;
  readonly training: string;
  readonly sigma: number;
  readonly method: string;
  /** Over all instances, in σ. */
  readonly meanRadius: number;
  /** By multiple of σ. */
  readonly certified: ReadonlyMap<number, MeasuredValue>;
}

/** Training and head at one σ, with every method on the same draws. */
interface Place {
  readonly name: string;
  readonly training: string;
  readonly head: string;
  readonly sigma: number;
  readonly byMethod: ReadonlyMap<string, RadiusRow>;
}

const ANY_SOUND = 'representation, any sound rule';
const METHODS = [
  'label',
  'pairwise',
  'logit',
  'representation, lipschitz',
  'representation, lipschitz-l2',
  'representation, interval',
  'representation, linear',
  ANY_SOUND,
] as const;

/** What docs/findings.md says of a finished study of radii: certified accuracy by radius, mean radii by method, and what either buys. */
export function radiusStudyTables(table: StudyTable): string {
  const places = placesOf(table.rows.map((row) => rowOf(table, row)));
  return [accuracyTable(places), methodTable(places), buysTable(places)].join('\n\n');
}

function rowOf({ keys, columns }: StudyTable, row: StudyRow): RadiusRow {
  const key = (name: string): string => row.keys[keys.indexOf(name)];
  const value = (name: string) => row.values[columns.findIndex((column) => column.key === name)].ours;
  const sigma = Number(key('σ'));
  return {
    domain: key('Domain') as Domain,
    head: key('Head'),
    training: key('Training'),
    sigma,
    method: key('Method'),
    meanRadius: (value('radiusOfAll')?.mean ?? NaN) / sigma,
    certified: new Map(MULTIPLES_OF_SIGMA.map((multiple) => [multiple, value(`at${multiple}`)!.values[0]])),
  };
}

function placesOf(rows: readonly RadiusRow[]): Place[] {
  const groups = Map.groupBy(rows, ({ domain, sigma, training, head }) =>
    JSON.stringify([domain, sigma, training, head]),
  );
  return [...groups.values()]
    .map((having): Place => {
      const { domain, sigma, training, head } = having[0];
      return {
        name: `${domain}, σ ${sigma}, ${training}, ${head}`,
        ...{ training, head, sigma },
        byMethod: new Map(having.map((row) => [row.method, row])),
      };
    })
    .sort((a, b) => a.sigma - b.sigma);
}

function accuracyTable(places: readonly Place[]): string {
  return markdownTable(
    [
      'label: certified accuracy, % (95 % interval)',
      ...MULTIPLES_OF_SIGMA.map((multiple) => `at ${multiple} σ`),
      'mean radius, σ',
    ],
    places.map(({ name, byMethod }) => {
      const label = byMethod.get('label')!;
      return [
        name,
        ...MULTIPLES_OF_SIGMA.map((multiple) => withInterval(label.certified.get(multiple)!)),
        label.meanRadius.toFixed(2),
      ];
    }),
  );
}

function methodTable(places: readonly Place[]): string {
  return markdownTable(
    [
      'mean radius over all instances, σ',
      ...METHODS.map((method) => method.replace('representation, ', '')),
      'any sound rule / pairwise',
    ],
    places.map(({ name, byMethod }) => {
      const radii = METHODS.map((method) => byMethod.get(method)?.meanRadius ?? NaN);
      return [
        name,
        ...radii.map(twoDigits),
        twoDigits(radii[METHODS.indexOf(ANY_SOUND)] / radii[METHODS.indexOf('pairwise')]),
      ];
    }),
  );
}

/** Ratios of mean radii, at each σ. */
function buysTable(places: readonly Place[]): string {
  const sigmas = [...new Set(places.map(({ sigma }) => sigma))];
  const trainings = [...new Set(places.map(({ training }) => training))];
  const heads = [...new Set(places.map(({ head }) => head))];
  const radius = (sigma: number, of: { training: string; head: string; method: string }): number =>
    places
      .find((one) => one.sigma === sigma && one.training === of.training && one.head === of.head)!
      .byMethod.get(of.method)?.meanRadius ?? NaN;
  const line = (what: string, ratio: (sigma: number) => number): string[] => [
    what,
    ...sigmas.map((sigma) => twoDigits(ratio(sigma))),
  ];
  const [baseTraining] = trainings;
  const byTraining = trainings
    .slice(1)
    .flatMap((training) =>
      heads.map((head) =>
        line(
          `${head}: ${training} / ${baseTraining}, label`,
          (sigma) =>
            radius(sigma, { training, head, method: 'label' }) /
            radius(sigma, { training: baseTraining, head, method: 'label' }),
        ),
      ),
    );
  const byHead = trainings.flatMap((training) =>
    heads
      .filter((head) => head.includes('draw bank'))
      .flatMap((head) => {
        const plain = head.replace(/, draw bank.*$/, '');
        return heads.includes(plain)
          ? [
              line(
                `${training}: ${head} / ${plain}, label`,
                (sigma) =>
                  radius(sigma, { training, head, method: 'label' }) /
                  radius(sigma, { training, head: plain, method: 'label' }),
              ),
            ]
          : [];
      }),
  );
  const byMethod = trainings.flatMap((training) =>
    heads.map((head) =>
      line(
        `${training}, ${head}: pairwise / label`,
        (sigma) =>
          radius(sigma, { training, head, method: 'pairwise' }) / radius(sigma, { training, head, method: 'label' }),
      ),
    ),
  );
  return markdownTable(
    ['ratio of mean radii', ...sigmas.map((sigma) => `σ ${sigma}`)],
    [...byTraining, ...byHead, ...byMethod],
  );
}

const twoDigits = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '–');

/** "41.4 (34–49)" */
function withInterval({ value, share }: MeasuredValue): string {
  const { lower, upper } = share!.interval;
  return `${value.toFixed(1)} (${lower.toFixed(0)}–${upper.toFixed(0)})`;
}
