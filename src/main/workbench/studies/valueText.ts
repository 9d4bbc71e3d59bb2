import type { Unit } from './measures.ts';
import type { StudyValue } from './studyTables.ts';

const DIGITS: Readonly<Record<Unit, number>> = { percent: 1, length: 3 };

/** A value as tables print it; null where there is nothing to print. */
export interface ValueText {
  readonly ours: string | null;
  /** "93.0–94.5" over several runs. */
  readonly range: string | null;
  readonly published: string | null;
  /** Signed. */
  readonly difference: string | null;
}

export function valueText({ ours, published, difference }: StudyValue, unit: Unit): ValueText {
  const digits = DIGITS[unit];
  const text = (value: number | null): string | null => (value === null ? null : value.toFixed(digits));
  return {
    ours: text(ours?.mean ?? null),
    range: ours === null || ours.values.length < 2 ? null : `${text(ours.min)!}–${text(ours.max)!}`,
    published: text(published),
    difference: difference === null ? null : signed(difference, digits),
  };
}

function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return `±${text}`;
  return `${value < 0 ? '−' : '+'}${text}`;
}
