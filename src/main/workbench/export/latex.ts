import type { ExperimentConfig } from '../../../shared/config.ts';
import { datasetLabel } from '../../../shared/datasetLabel.ts';
import { applicableRules } from '../../engine/smoothing/applicableRules.ts';
import { isProof } from '../../math/marginRules.ts';
import type { ReportRow } from '../../../shared/report.ts';
import { cellText, columnGroups, REPORT_COLUMNS, type ReportColumn } from '../../../shared/reportColumns.ts';

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\textquotedbl{}',
  '–': '--',
  '—': '---',
  '→': '$\\rightarrow$',
  '×': '$\\times$',
  '≤': '$\\leq$',
  '≥': '$\\geq$',
  α: '$\\alpha$',
  ε: '$\\varepsilon$',
  λ: '$\\lambda$',
  σ: '$\\sigma$',
  Δ: '$\\Delta$',
};

/** Plain text as LaTeX sets it. Letters beyond those above are left to the engine: LuaLaTeX has them all. */
export function latexText(text: string): string {
  return text.replace(/[\\~^<>|"–—→×≤≥αελσΔ#$%&_{}]/gu, (c) => SPECIAL[c] ?? `\\${c}`);
}

/** A heading; a word like A_V or z_Δ is a symbol with a subscript. */
export function latexTitle(title: string): string {
  return title
    .split(' ')
    .map((word) => {
      const symbol = /^(\p{L})_(\p{L}+)$/u.exec(word);
      return symbol === null ? latexText(word) : `$${symbol[1]}_{${mathLetters(symbol[2])}}$`;
    })
    .join(' ');
}

const mathLetters = (letters: string): string => (letters === 'Δ' ? '\\Delta' : letters);

/** The run's table for a paper that loads booktabs, in pieces. */
export function* latexTable(
  rows: readonly ReportRow[],
  { runId, config }: { readonly runId: number; readonly config: ExperimentConfig },
): Generator<string> {
  yield '% Needs \\usepackage{booktabs}, and \\usepackage[T1]{fontenc} under pdfLaTeX.\n';
  yield '\\begin{table}\n\\centering\n';
  yield `\\caption{${caption(config)}}\n\\label{tab:run-${runId}}\n`;
  yield `\\begin{tabular}{${REPORT_COLUMNS.map(alignment).join('')}}\n\\toprule\n`;
  yield* groupLines();
  yield line(REPORT_COLUMNS.map(({ title }) => latexTitle(title)));
  let domain: string | null = null;
  for (const row of rows) {
    // A rule before each domain, the first one's closing the heading.
    if (row.domain !== domain) yield '\\midrule\n';
    domain = row.domain;
    yield line(REPORT_COLUMNS.map(({ cell }) => latexText(cellText(cell(row)))));
  }
  yield '\\bottomrule\n\\end{tabular}\n\\end{table}\n';
}

const alignment = ({ group }: ReportColumn): string => (group === '' ? 'l' : 'r');

const line = (cells: readonly string[]): string => `${cells.join(' & ')} \\\\\n`;

function* groupLines(): Generator<string> {
  const cells: string[] = [];
  const rules: string[] = [];
  let first = 1;
  for (const { title, columns } of columnGroups()) {
    const last = first + columns - 1;
    cells.push(`\\multicolumn{${columns}}{c}{${latexTitle(title)}}`);
    if (title !== '') rules.push(`\\cmidrule(lr){${first}-${last}}`);
    first = last + 1;
  }
  yield line(cells);
  yield `${rules.join(' ')}\n`;
}

function caption(config: ExperimentConfig): string {
  const { sigma, draws, selectionDraws, selection, alpha, noise } = config.certification;
  const { source, target, extractor, instances, precision } = config;
  const selecting =
    selection === 'separate'
      ? `$n_0 = ${selectionDraws}$ draws that choose the class`
      : 'the same draws choosing the class';
  return [
    `${latexText(config.name)}: ${latexText(datasetLabel(source.dataset))} $\\rightarrow$ ${latexText(datasetLabel(target.dataset))},`,
    `${latexText(extractor.preset)}, ${instances} test instances a domain,`,
    `$n = ${draws}$ draws, ${selecting}, $\\sigma = ${latexNumber(sigma)}$, $\\alpha = ${latexNumber(alpha)}$.`,
    ...(noise === 'float32' ? [] : ['Noise is drawn on a lattice, for which each radius pays.']),
    ...(precision === 'float32' ? [] : [`The extractor computes in ${precision}.`]),
    '$A_B$ base accuracy, $A_M$ accuracy of the median prediction, $A_V$ certified and correct, all in \\%;',
    'Rad.\\ mean certified radius, $L_2$, normalised units.',
    `\`\`$A_V$ paper'' is by the published rule, which is no proof under ${unsound(config)};`,
    "``$A_V$ proved'' is by a sound rule. Each certificate holds at its own $\\alpha$; they are not simultaneous.",
  ].join(' ');
}

/** 1e-4 as 10^{-4}; 0.1 as it is. */
function latexNumber(value: number): string {
  const exponential = /^(-?[\d.]+)e([+-]\d+)$/.exec(value < 1e-3 ? value.toExponential() : String(value));
  if (exponential === null) return String(value);
  const [, digits, exponent] = exponential;
  return `${digits === '1' ? '' : `${digits} \\cdot `}10^{${Number(exponent)}}`;
}

/** The constraints of the run's heads that the paper's rule applies to and does not prove anything under. */
function unsound({ heads }: ExperimentConfig): string {
  const found = heads
    .filter((head) => applicableRules(['paper'], head).length > 0 && !isProof('paper', head.constraint))
    .map(({ constraint }) => constraint);
  const names = found.length === 0 ? ['wn'] : [...new Set(found)];
  return names.map((name) => `\\texttt{${latexText(name)}}`).join(' or ');
}
