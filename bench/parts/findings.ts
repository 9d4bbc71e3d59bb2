import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import { normalQuantile } from '../../src/main/math/normal.ts';
import { wilsonInterval } from '../../src/main/math/wilson.ts';
import type { Store } from '../../src/main/store/store.ts';
import { publishedTables, type PublishedTables } from '../../src/main/workbench/studies/published.ts';
import { storedStudy, type StoredStudy } from '../../src/main/workbench/studies/storedStudy.ts';
import { studyTables } from '../../src/main/workbench/studies/studyTables.ts';
import type { ReportRow, Share } from '../../src/shared/report.ts';
import { shareText } from '../../src/shared/reportColumns.ts';
import { stageOf } from '../../src/main/workbench/storedRun.ts';
import { reading, workbenchFolder } from '../../src/main/workbench/storeOfFolder.ts';
import { DOMAINS, RULES, type Domain, type Rule } from '../../src/shared/config.ts';
import { publish } from '../document.ts';
import type { Options } from '../options.ts';
import { markdownTable } from '../table.ts';
import { radiusStudyTables } from './radiusStudy.ts';

/** A head of a run of the study, with what the run's table has of it. */
interface Finding {
  readonly procedure: string;
  readonly domain: Domain;
  readonly row: ReportRow;
  /** A_V of representation certificates by each rule that applies. */
  readonly byRule: ReadonlyMap<Rule, Share>;
}
type PublishedRow = PublishedTables['table3'][number];

/** The heads that the paper's tables have. */
const PAPERS_HEADS = ['1-layer none', '1-layer wn', '4-layer none', '4-layer wn'];

/**
 * Compares a finished study with what is published, and counts what became of the published rule's certificates; of a study with a table
 * of radii, says what training and the choice of method buy.
 */
export function findings(options: Options): void {
  const radii = reading(workbenchFolder(), (store) => {
    const stored = storedStudy(store, options.study);
    if (stored.study.radiusTable !== true) return null;
    requireDone(stored);
    const table = studyTables(store, stored).find(({ kind }) => kind === 'radius')!;
    return `${scaleOf(store, stored)}\n\n${radiusStudyTables(table)}`;
  });
  if (radii === null) comparison(options);
  else publish('radius-study', radii, options);
}

function comparison(options: Options): void {
  const { study, found, scale } = reading(workbenchFolder(), (store) => {
    const stored = storedStudy(store, options.study);
    return { study: stored, found: findingsOf(store, stored), scale: scaleOf(store, stored) };
  });
  const { table3, table4 } = publishedTables();
  const published = [...table3, ...table4];
  publish('study', scale, options);
  publish('procedures', proceduresTable(found, published), options);
  publish('falsified', falsifiedTable(found), options);
  publish('kept', keptTables(found, published), options);
  publish('published', questionsTable(study, found, published), options);
}

/** @throws Error for a study with runs that are not done */
function requireDone({ cells }: StoredStudy): void {
  for (const { cell, status } of cells) {
    if (status !== 'done')
      throw new Error(`run "${cell.name}" is ${status ?? 'not begun'}; finish the study first: npx ptw study resume`);
  }
}

function findingsOf(store: Store, stored: StoredStudy): Finding[] {
  requireDone(stored);
  return stored.cells.flatMap(({ cell, run: found, rows }) => {
    const run = found!;
    return rows.map((row): Finding => {
      const summaries = store.results.summary(stageOf(run, 'certification', row)!.id);
      const byRule = summaries.flatMap(({ rule, certifiedCorrect, total }): [Rule, Share][] =>
        rule === null ? [] : [[rule, { hits: certifiedCorrect, total }]],
      );
      return { procedure: cell.procedure, domain: row.domain, row, byRule: new Map(byRule) };
    });
  });
}

function scaleOf(store: Store, stored: StoredStudy): string {
  const tables = studyTables(store, stored);
  const scales = tables.flatMap(({ rows }) => rows.map(({ scale }) => scale));
  const day = new Date().toISOString().slice(0, 10);
  return [
    `"${stored.study.name}": ${stored.study.scale}. ${stored.cells.length} runs; read on ${day}.`,
    ...new Set(scales),
  ].join('\n\n');
}

/** Means over the paper's heads, ours and published, and how many pairs of procedures stand in the same order. */
function proceduresTable(found: readonly Finding[], published: readonly PublishedRow[]): string {
  const procedures = [...new Set(found.map(({ procedure }) => procedure))];
  const sections = DOMAINS.map((domain) => {
    const ours = procedures.map((procedure) => {
      const rows = found.filter(
        (one) => one.procedure === procedure && one.domain === domain && PAPERS_HEADS.includes(one.row.head),
      );
      const average = (of: (row: ReportRow) => Share | null | undefined): number =>
        mean(rows.map(({ row }) => percentOf(of(row))));
      return {
        base: average((row) => row.baseAccuracy),
        label: average((row) => row.label?.certified),
        radius: mean(rows.map(({ row }) => row.label?.meanRadius ?? NaN)),
        pairwise: average((row) => row.pairwise?.certified),
        pgd: average((row) => row.pgd),
      };
    });
    const theirs = procedures.map((procedure) => {
      const rows = published.filter((row) => row.training === procedure && row.domain === domain);
      return {
        base: mean(rows.map(({ AB }) => AB)),
        label: mean(rows.map(({ label }) => label.AV)),
        radius: mean(rows.map(({ label }) => label.radius)),
      };
    });
    const table = markdownTable(
      [
        `${domain}: procedure`,
        'A_B',
        'published',
        'label A_V',
        'published',
        'Rad.',
        'published',
        'pairwise A_V',
        'PGD',
      ],
      procedures.map((procedure, i) => [
        procedure,
        ...[ours[i].base, theirs[i].base, ours[i].label, theirs[i].label].map(oneDigit),
        ...[ours[i].radius, theirs[i].radius].map((value) => value.toFixed(3)),
        ...[ours[i].pairwise, ours[i].pgd].map(oneDigit),
      ]),
    );
    const alike = (['base', 'label', 'radius'] as const).map((key) =>
      pairsInOrder(
        ours.map((one) => one[key]),
        theirs.map((one) => one[key]),
      ),
    );
    const pairs = (procedures.length * (procedures.length - 1)) / 2;
    return `${table}\n\nPairs of procedures in the published order, of ${pairs}: A_B ${alike[0]}, label A_V ${alike[1]}, Rad. ${alike[2]}.`;
  });
  return sections.join('\n\n');
}

/** Pairs that stand in the same order in both; equal values are in none. */
function pairsInOrder(ours: readonly number[], theirs: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < ours.length; i++) {
    for (let j = 0; j < i; j++) if ((ours[i] - ours[j]) * (theirs[i] - theirs[j]) > 0) count++;
  }
  return count;
}

function falsifiedTable(found: readonly Finding[]): string {
  const searched = found.flatMap(({ procedure, domain, row }) => {
    const falsified = row.representation?.falsified;
    return falsified === null || falsified === undefined ? [] : [{ procedure, domain, head: row.head, ...falsified }];
  });
  const line = (name: string, rows: typeof searched): string[] => {
    const [atRadius, atSmallestBox] = (['atRadius', 'atSmallestBox'] as const).map((key) =>
      rows.reduce((sum, one) => ({ hits: sum.hits + one[key].hits, total: sum.total + one[key].total }), NOTHING),
    );
    return [name, String(atRadius.total), withInterval(atRadius), withInterval(atSmallestBox)];
  };
  const rows = [...Map.groupBy(searched, ({ domain, head }) => `${domain}, ${head}`)].flatMap(([name, ofHead]) => [
    ...ofHead.map((one) => line(`${name}, ${one.procedure}`, [one])),
    line(`${name}, all procedures`, ofHead),
  ]);
  return markdownTable(
    ['domain, head, procedure', 'certified', 'falsified at the radius, %', 'in the smallest box, %'],
    [...rows, line('all', searched)],
  );
}

/** What each rule certifies beside label and pairwise smoothing, over all procedures; and the published gain. */
function keptTables(found: readonly Finding[], published: readonly PublishedRow[]): string {
  const heads = [...Map.groupBy(found, ({ domain, row }) => `${domain}, ${row.head}`)];
  const ours = markdownTable(
    ['domain, head', 'label', 'pairwise', ...RULES, 'proved', 'paper − label', 'proved − label', 'proved − pairwise'],
    heads.map(([name, ofHead]) => {
      const average = (of: (one: Finding) => Share | null | undefined): number =>
        mean(ofHead.map((one) => percentOf(of(one))));
      const label = average(({ row }) => row.label?.certified);
      const pairwise = average(({ row }) => row.pairwise?.certified);
      const proved = average(({ row }) => row.representation?.proved);
      const rules = RULES.map((rule) => average(({ byRule }) => byRule.get(rule)));
      const paper = rules[RULES.indexOf('paper')];
      return [
        name,
        ...[label, pairwise, ...rules, proved].map(oneDigit),
        ...[paper - label, proved - label, proved - pairwise].map(signed),
      ];
    }),
  );
  const deep = found.filter(({ row }) => row.head.startsWith('4-layer'));
  const deepHeads = [...new Set(deep.map(({ row }) => row.head))];
  const distances = markdownTable(
    ['proved / pairwise A_V', ...deepHeads],
    [...Map.groupBy(deep, ({ domain, procedure }) => `${domain}, ${procedure}`)].map(([name, ofRun]) => [
      name,
      ...deepHeads.map((head) => {
        const { row } = ofRun.find((one) => one.row.head === head)!;
        return `${shareText(row.representation?.proved)} / ${shareText(row.pairwise?.certified)}`;
      }),
    ]),
  );
  const groups = [...Map.groupBy(published, ({ domain, layers }) => `${domain}, ${layers}-layer wn`)];
  const theirs = markdownTable(
    ['published: domain, head', 'rows', 'label', 'paper', 'paper − label'],
    groups.map(([name, rows]) => {
      const with_ = rows.flatMap((row) =>
        row.representation === undefined ? [] : [{ ...row, ...row.representation }],
      );
      const [label, paper] = [mean(with_.map((row) => row.label.AV)), mean(with_.map((row) => row.AV))];
      return [name, String(with_.length), oneDigit(label), oneDigit(paper), signed(paper - label)];
    }),
  );
  return `${ours}\n\n${distances}\n\n${theirs}`;
}

/** Where the published numbers leave a question: the same count of ours beside it. */
function questionsTable({ cells }: StoredStudy, found: readonly Finding[], published: readonly PublishedRow[]): string {
  const rows = found.map(({ row }) => row);
  const withRepresentation = published.flatMap((row) => (row.representation === undefined ? [] : [row]));
  const paperRows = found.flatMap(({ row, byRule }) =>
    byRule.has('paper') ? [{ row, paper: byRule.get('paper')! }] : [],
  );
  const equal = rows.filter(({ label, logit }) => label?.certified.hits === logit?.certified.hits).length;
  const above = paperRows.filter(({ row, paper }) => paper.hits > (row.label?.certified.hits ?? 0)).length;
  const ratio = mean(rows.map(({ label, logit }) => percentOf(label?.certified) / percentOf(logit?.median)));
  const { draws, alpha, sigma } = cells[0].cell.config.certification;
  const most = sigma * normalQuantile(clopperPearsonLower(draws, draws, alpha));
  const largest = Math.max(...published.map(({ label }) => label.radius));
  return markdownTable(
    ['in the tables', 'published', 'here'],
    [
      [
        'rows whose label A_V and logit A_V are equal to the digit',
        `${published.filter(({ label, logit }) => label.AV === logit.AV).length} of ${published.length}`,
        `${equal} of ${rows.length}`,
      ],
      [
        'rows whose representation A_V by the published rule is above label A_V',
        `${withRepresentation.filter(({ label, representation }) => representation!.AV > label.AV).length} of ${withRepresentation.length}`,
        `${above} of ${paperRows.length}`,
      ],
      [
        'label A_V as a share of logit A_M, mean over rows',
        mean(published.map(({ label, logit }) => label.AV / logit.AM)).toFixed(3),
        ratio.toFixed(3),
      ],
      [
        'rows with a radius of representation or logit certificates',
        `0 of ${published.length}`,
        `${rows.length} of ${rows.length}`,
      ],
      [
        `largest mean radius by label (${draws} draws, α = ${alpha} and σ = ${sigma} allow ${most.toFixed(3)})`,
        largest.toFixed(3),
        Math.max(...rows.map(({ label }) => label?.meanRadius ?? 0)).toFixed(3),
      ],
    ],
  );
}

const NOTHING: Share = { hits: 0, total: 0 };

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const percentOf = (share: Share | null | undefined): number =>
  share === null || share === undefined ? NaN : (100 * share.hits) / share.total;

const oneDigit = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(1));

const signed = (value: number): string =>
  Number.isNaN(value) ? '–' : `${value > 0 ? '+' : ''}${value.toFixed(1)}`.replace('-', '−');

/** "41.4 (32–51)" */
function withInterval(share: Share): string {
  if (share.total === 0) return shareText(share);
  const { lower, upper } = wilsonInterval(share.hits, share.total);
  return `${shareText(share)} (${(100 * lower).toFixed(0)}–${(100 * upper).toFixed(0)})`;
}
