import Table from 'cli-table3';
import type { ExperimentConfig } from '../../../shared/config.ts';
import { SELF_CHECKS, type SelfCheckFinding } from '../../../shared/results.ts';
import type { ReportRow } from '../../../shared/report.ts';
import { shareText } from '../../../shared/reportColumns.ts';

/** What the instances were attacked with. Lengths are L2, in normalised units. */
export function attackSettings({ noiseAttack, pgd }: ExperimentConfig): string[] {
  const { shape, epsilon, draws } = noiseAttack;
  const restarts = pgd.restarts === 1 ? '' : ` from each of ${pgd.restarts} starts`;
  return [
    ...(noiseAttack.enabled ? [`Noise attack: the worst of ${draws} draws, ${shape} of radius ${epsilon}.`] : []),
    ...(pgd.enabled ? [`PGD: ${pgd.steps} steps${restarts}, radius ${pgd.epsilon}.`] : []),
  ];
}

/** A line for each head whose PGD has doubts of itself, or one for all; none before PGD has run. */
export function selfCheckLines(rows: readonly ReportRow[]): string[] {
  const checked = rows.flatMap(({ domain, head, selfChecks }) =>
    selfChecks === null ? [] : [{ name: `${domain}, ${head}`, ...selfChecks }],
  );
  const doubted = checked.filter(({ findings }) => findings.length > 0);
  if (checked.length === 0) return [];
  if (doubted.length === 0)
    return [`PGD's self-checks passed: ${distinct(checked.flatMap(({ made }) => made)).join(', ')}.`];
  return doubted.map(
    ({ name, findings }) => `PGD may be too weak on ${name}: ${findings.map(findingText).join('; ')}.`,
  );
}

function findingText({ check, hits, total }: SelfCheckFinding): string {
  const { finding, next } = SELF_CHECKS[check];
  return `${hits} of ${total} instances ${finding} (${next})`;
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

const distance = (value: number | null): string => (value === null ? '–' : value.toFixed(3));

/** The paper's Table 2: adversarial representations of one-layer heads; null when none were searched for. */
export function searchTable(rows: readonly ReportRow[]): string | null {
  const searched = rows.flatMap(({ domain, head, search }) => (search === null ? [] : [{ domain, head, ...search }]));
  if (searched.length === 0) return null;
  const table = new Table({
    style: { head: [], border: [] },
    colAligns: ['left', 'left', ...Array<'right'>(5).fill('right')],
  });
  table.push(
    [
      { content: 'Adversarial representations', colSpan: 2 },
      { content: 'Representations', colSpan: 2, hAlign: 'center' },
      { content: 'Inputs', colSpan: 3, hAlign: 'center' },
    ],
    ['Domain', 'Head', 'p_z', 'z_Δ', 'p_x', 'x_Δ', 'z_Δ'],
    ...searched.map((row) => [
      row.domain,
      row.head,
      shareText(row.representations),
      distance(row.meanRepresentationDistance),
      shareText(row.inputs),
      distance(row.meanInputDistance),
      distance(row.meanRepresentationDistanceOfInputs),
    ]),
  );
  return table.toString();
}

export const SEARCH_LEGEND = [
  'p_z closest representations with another prediction, of the correctly classified instances; p_x inputs found on the way to',
  'one, both in %. Distances are means of L∞ norms: z_Δ between representations, x_Δ between inputs, normalised units.',
].join('\n');
