import { extentOf, type ChartAxis, type ChartSeries } from './chartSeries.ts';

/** A chart as an SVG document, for papers: the same lines, steps and bands on white, whatever the theme. */
export interface SvgChart {
  readonly series: readonly ChartSeries[];
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  /** CSS colour of a series' colour number. */
  readonly colorOf: (color: number) => string;
}

const WIDTH = 720;
const HEIGHT = 440;
const MARGIN = { left: 64, right: 16, top: 16, bottom: 52 } as const;
const TICKS = 6;
const LEGEND_ROW = 18;

export function chartSvg({ series, x, y, colorOf }: SvgChart): string {
  const [fromX, toX] = rangeOf(series, 'x', x);
  const [fromY, toY] = rangeOf(series, 'y', y);
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const px = (value: number): string => (MARGIN.left + ((value - fromX) / (toX - fromX)) * width).toFixed(2);
  const py = (value: number): string => (MARGIN.top + (1 - (value - fromY) / (toY - fromY)) * height).toFixed(2);
  const place = { px, py };
  const total = HEIGHT + LEGEND_ROW * series.length + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${total}" viewBox="0 0 ${WIDTH} ${total}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${total}" fill="#fff"/>`,
    `<clipPath id="area"><rect x="${MARGIN.left}" y="${MARGIN.top}" width="${width}" height="${height}"/></clipPath>`,
    ...ticksOf([fromX, toX], x).map(
      (tick) =>
        `<path d="M${px(tick)} ${MARGIN.top}V${MARGIN.top + height}" stroke="#ddd"/><text x="${px(tick)}" y="${MARGIN.top + height + 18}" text-anchor="middle" fill="#444">${escaped(formatOf(x)(tick))}</text>`,
    ),
    ...ticksOf([fromY, toY], y).map(
      (tick) =>
        `<path d="M${MARGIN.left} ${py(tick)}H${MARGIN.left + width}" stroke="#ddd"/><text x="${MARGIN.left - 8}" y="${py(tick)}" dy="4" text-anchor="end" fill="#444">${escaped(formatOf(y)(tick))}</text>`,
    ),
    `<text x="${MARGIN.left + width / 2}" y="${HEIGHT - 14}" text-anchor="middle">${escaped(x.label)}</text>`,
    `<text transform="translate(16 ${MARGIN.top + height / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`,
    '<g clip-path="url(#area)">',
    ...series.map((one) => drawn(one, { ...place, color: colorOf(one.color) })),
    '</g>',
    ...series.map(
      (one, i) =>
        `<path d="M${MARGIN.left} ${HEIGHT + LEGEND_ROW * i}h24" stroke="${colorOf(one.color)}" stroke-width="2"${dash(one)}/><text x="${MARGIN.left + 32}" y="${HEIGHT + LEGEND_ROW * i}" dy="4">${escaped(one.label)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

interface Placing {
  readonly px: (value: number) => string;
  readonly py: (value: number) => string;
  readonly color: string;
}

function drawn(series: ChartSeries, { px, py, color }: Placing): string {
  const { x, y, band, kind } = series;
  if (kind === 'points') {
    return Array.from(x, (value, i) => `<circle cx="${px(value)}" cy="${py(y[i])}" r="2.5" fill="${color}"/>`).join('');
  }
  const line = `<path d="M${points(series, y, { px, py })}" fill="none" stroke="${color}" stroke-width="1.75"${dash(series)}/>`;
  if (band === undefined) return line;
  const [upper, lower] = [points(series, band.upper, { px, py }), points(series, band.lower, { px, py })];
  const back = lower.split('L').reverse().join('L');
  return `<path d="M${upper}L${back}Z" fill="${color}" fill-opacity="0.14"/>${line}`;
}

/** Corners of the line; a falling step ends at 0, as in the page. */
function points({ x, kind }: ChartSeries, values: Float64Array, { px, py }: Omit<Placing, 'color'>): string {
  const corners: string[] = [];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    if (kind === 'step' && i > 0) corners.push(`${px(x[i - 1])} ${py(values[i])}`);
    corners.push(`${px(x[i])} ${py(values[i])}`);
  }
  if (kind === 'step' && x.length > 0) corners.push(`${px(x[x.length - 1])} ${py(0)}`);
  return corners.join('L');
}

const dash = ({ isDashed }: ChartSeries): string => (isDashed === true ? ' stroke-dasharray="6 4"' : '');

function rangeOf(series: readonly ChartSeries[], of: 'x' | 'y', { range }: ChartAxis): [number, number] {
  const extent = extentOf(series, of);
  const from = range?.from ?? extent?.least ?? 0;
  const to = range?.to ?? extent?.greatest ?? 1;
  return to > from ? [from, to] : [from, from + 1];
}

/** About six round values, fewer where only whole numbers are wanted. */
function ticksOf([from, to]: readonly [number, number], { isWhole = false }: ChartAxis): number[] {
  const rough = (to - from) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const step = isWhole ? Math.max(1, round) : round;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

const formatOf =
  ({ format }: ChartAxis) =>
  (value: number): string =>
    format?.(value) ?? String(Number(value.toPrecision(6)));

const ENTITIES: Partial<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign]!);
