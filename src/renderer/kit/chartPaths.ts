import type { ChartSeries } from './chartSeries.ts';

/** From values to canvas pixels. */
export interface Projection {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Canvas pixels of one CSS pixel. */
  readonly ratio: number;
  /** Nothing is drawn outside it. Canvas pixels. */
  readonly area: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

/**
 * Draws a series. Points that fall on the pixel of the one before are passed over, so that the time goes with the pixels and not with
 * the points.
 */
export function drawSeries(
  context: CanvasRenderingContext2D,
  series: ChartSeries,
  { projection, stroke }: { readonly projection: Projection; readonly stroke: string },
): void {
  const { left, top, width, height } = projection.area;
  const edge = projection.ratio;
  context.save();
  context.beginPath();
  context.rect(left - edge, top - edge, width + 2 * edge, height + 2 * edge);
  context.clip();
  if (series.band !== undefined) fillBand(context, series, { projection, stroke });
  context.strokeStyle = stroke;
  context.fillStyle = stroke;
  context.lineWidth = 1.75 * projection.ratio;
  context.lineJoin = 'round';
  if (series.isDashed === true) context.setLineDash([6 * projection.ratio, 4 * projection.ratio]);
  // One point alone makes no line.
  if (series.kind === 'points' || (series.kind === 'line' && series.x.length === 1))
    drawPoints(context, series, projection);
  else strokeLine(context, series, projection);
  context.restore();
}

function strokeLine(context: CanvasRenderingContext2D, series: ChartSeries, projection: Projection): void {
  context.beginPath();
  tracePath(context, series.y, { series, projection });
  context.stroke();
}

interface Tracing {
  readonly series: ChartSeries;
  readonly projection: Projection;
}

/** Adds the line of `values` over the series' x to the path. */
function tracePath(context: CanvasRenderingContext2D, values: Float64Array, { series, projection }: Tracing): void {
  const { x, kind } = series;
  let isDrawing = false;
  let [lastX, lastY] = [NaN, NaN];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(values[i])) {
      isDrawing = false;
      continue;
    }
    const px = Math.round(projection.x(x[i]) * 2) / 2;
    const py = Math.round(projection.y(values[i]) * 2) / 2;
    if (!isDrawing) context.moveTo(px, py);
    else if (px !== lastX || py !== lastY) {
      if (kind === 'step') context.lineTo(lastX, py);
      context.lineTo(px, py);
    }
    isDrawing = true;
    [lastX, lastY] = [px, py];
  }
  // Past its last radius a certificate says nothing: the accuracy is 0.
  if (kind === 'step' && isDrawing) context.lineTo(lastX, projection.y(0));
}

function fillBand(
  context: CanvasRenderingContext2D,
  series: ChartSeries,
  { projection, stroke }: { readonly projection: Projection; readonly stroke: string },
): void {
  const { x, band, kind } = series;
  const upper: [number, number][] = [];
  const lower: [number, number][] = [];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(band!.upper[i]) || !Number.isFinite(band!.lower[i])) continue;
    const px = projection.x(x[i]);
    const [top, bottom] = [projection.y(band!.upper[i]), projection.y(band!.lower[i])];
    const last = upper.at(-1);
    if (last !== undefined && Math.abs(px - last[0]) < 0.5 && i < x.length - 1) continue;
    if (kind === 'step' && last !== undefined) {
      upper.push([last[0], top]);
      lower.push([last[0], bottom]);
    }
    upper.push([px, top]);
    lower.push([px, bottom]);
  }
  context.globalAlpha = 0.14;
  context.fillStyle = stroke;
  context.beginPath();
  for (const [px, py] of upper) context.lineTo(px, py);
  for (const [px, py] of lower.reverse()) context.lineTo(px, py);
  context.fill();
  context.globalAlpha = 1;
}

function drawPoints(context: CanvasRenderingContext2D, { x, y }: ChartSeries, projection: Projection): void {
  const radius = 2.5 * projection.ratio;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(y[i])) continue;
    context.beginPath();
    context.arc(projection.x(x[i]), projection.y(y[i]), radius, 0, 2 * Math.PI);
    context.fill();
  }
}
