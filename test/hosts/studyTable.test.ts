import { describe, expect, it } from 'vitest';
import { studyTable } from '../../src/main/hosts/cli/studyTable.ts';
import type { StudyRow, StudyTable } from '../../src/main/workbench/studies/studyTables.ts';

const value = (mean: number): StudyRow['values'][number] => ({
  ours: { mean, min: mean, max: mean, values: [] },
  published: null,
  difference: null,
});
const row = (keys: readonly string[], about: Partial<StudyRow> = {}): StudyRow => ({
  keys,
  values: [value(50)],
  scales: [],
  scale: 'small',
  missing: null,
  ...about,
});
const table = (rows: readonly StudyRow[]): StudyTable => ({
  kind: 'smoothing',
  title: 'a table',
  keys: ['Transfer', 'Head'],
  columns: [{ key: 'base', group: 'Base', title: 'A_B', unit: 'percent' }],
  rows,
  hasPublished: false,
});
const lines = (rows: readonly StudyRow[]): string[] => studyTable(table(rows)).split('\n');

describe('a table of a study', () => {
  it('marks every row with the letter of its scale, spelt out below', () => {
    const text = lines([row(['x', 'one']), row(['y', 'two'], { scale: 'large' }), row(['z', 'three'])]);
    expect(text.find((line) => line.includes('two'))).toMatch(/50\.0 +│ b +│$/);
    expect(text.find((line) => line.includes('three'))).toMatch(/50\.0 +│ a +│$/);
    expect(text.slice(-2)).toEqual(['Scale a: small', 'Scale b: large']);
  });

  it('says a key that all rows share once, above', () => {
    const text = lines([row(['x', 'one']), row(['x', 'two'])]);
    expect(text[0]).toBe('Transfer: x');
    expect(text.join('\n')).not.toMatch(/│ x/);
    expect(lines([row(['x', 'one'])]).join('\n')).toMatch(/│ x +│ one/);
  });

  it('says beside the letter what is missing', () => {
    expect(lines([row(['x', 'one'], { missing: 'not run' }), row(['y', 'two'])]).join('\n')).toMatch(
      /│ a \(not run\) │/,
    );
  });

  it('goes on behind z', () => {
    const rows = Array.from({ length: 28 }, (_, i) => row([`${i}`, 'x'], { scale: `scale ${i}` }));
    expect(lines(rows).slice(-3)).toEqual(['Scale z: scale 25', 'Scale aa: scale 26', 'Scale ab: scale 27']);
  });
});
