import type { SearchedHeadView } from '../../shared/api/heads.ts';
import { fixed, NONE, percent } from '../app/format.ts';

/** A column of a head search's table. */
export interface HeadColumn {
  readonly key: string;
  readonly title: string;
  readonly isNumber: boolean;
  /** Null where there is none, or the head is not scored yet. */
  readonly value: (head: SearchedHeadView) => number | string | null;
  readonly text: (head: SearchedHeadView) => string;
}

/** @param sigma of the noise that the heads are scored under, normalised units */
export function headColumns(sigma: number): readonly HeadColumn[] {
  const radius = ({ score }: SearchedHeadView): number | null => score?.meanRadiusNormalised ?? null;
  const inSigma = (head: SearchedHeadView): number | null => (radius(head) === null ? null : radius(head)! / sigma);
  const certified = ({ score }: SearchedHeadView): number | null =>
    score === null ? null : score.certified / score.instances;
  return [
    plain('Head', ({ head }) => head),
    plain('Depth', ({ spec }) => spec.layers),
    plain('Constraint', ({ spec }) => spec.constraint),
    plain('λ', ({ weight }) => weight),
    plain('Temperature', ({ spec }) => spec.temperature),
    { key: 'radius', title: 'Mean radius (L2)', isNumber: true, value: radius, text: (head) => fixed(radius(head)) },
    { key: 'sigma', title: 'in σ', isNumber: true, value: inSigma, text: (head) => fixed(inSigma(head), 2) },
    {
      key: 'certified',
      title: 'Certified',
      isNumber: true,
      value: certified,
      text: (head) => percent(certified(head)),
    },
    plain('Epochs', ({ epochs }) => epochs),
  ];
}

function plain(title: string, value: HeadColumn['value']): HeadColumn {
  const isNumber = !['Head', 'Constraint'].includes(title);
  return { key: title.toLowerCase(), title, isNumber, value, text: (head) => String(value(head) ?? NONE) };
}

/** What there is no value of comes last, in either order. */
export function sortedHeads(
  heads: readonly SearchedHeadView[],
  { value }: HeadColumn,
  isDescending: boolean,
): readonly SearchedHeadView[] {
  const sign = isDescending ? -1 : 1;
  return heads.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * String(left).localeCompare(String(right), 'en', { numeric: true });
  });
}
