/** One line of a chart, with x of its own: curves of different runs fall at different radii. */
export interface ChartSeries {
  readonly id: string;
  readonly label: string;
  /** Ascending. */
  readonly x: Float64Array;
  /** NaN where there is nothing to draw. */
  readonly y: Float64Array;
  /** An interval around y, drawn as a band. */
  readonly band?: { readonly lower: Float64Array; readonly upper: Float64Array };
  /** Which of the eight series colours, from 1; more than eight come round again. */
  readonly color: number;
  readonly isDashed?: boolean;
  /**
   * "line" joins the points. "step" is a falling curve: between two points y is that of the right one, and past the last it is 0, as
   * certified accuracy is (METHOD.md §4). "points" draws them alone.
   */
  readonly kind: 'line' | 'step' | 'points';
}

export interface ChartAxis {
  readonly label: string;
  /** Of the ticks and of what the pointer reads. */
  readonly format?: (value: number) => string;
  /** Where the axis begins and ends whatever the data are. */
  readonly range?: { readonly from?: number; readonly to?: number };
  readonly isLogarithmic?: boolean;
  /** Whether only whole numbers are on it. */
  readonly isWhole?: boolean;
}

/** y at x; null where the series says nothing. */
export function valueAt({ x, y, kind }: ChartSeries, at: number): number | null {
  if (x.length === 0) return null;
  const i = firstNotBelow(x, at);
  if (kind === 'step') return i === x.length ? 0 : finite(y[i]);
  if (at < x[0] || at > x[x.length - 1]) return null;
  const j = i > 0 && (i === x.length || at - x[i - 1] < x[i] - at) ? i - 1 : i;
  return finite(y[j]);
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The first index whose x is not below `at`; the length where there is none. */
export function firstNotBelow(x: Float64Array, at: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Least and greatest of what is drawn; null where that is nothing. */
export function extentOf(
  series: readonly ChartSeries[],
  of: 'x' | 'y',
): { readonly least: number; readonly greatest: number } | null {
  let [least, greatest] = [Infinity, -Infinity];
  for (const one of series) {
    const arrays = of === 'x' || one.band === undefined ? [one[of]] : [one.y, one.band.lower, one.band.upper];
    for (const values of arrays) {
      for (const value of values) {
        if (!Number.isFinite(value)) continue;
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
    }
  }
  return least <= greatest ? { least, greatest } : null;
}
