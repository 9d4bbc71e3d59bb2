import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/main/data/dataError.ts';
import { readIdx } from '../../src/main/data/idx.ts';
import { refusalOf } from './refusal.ts';

/** Fixtures are written by test/fixtures/data/make.py. */
const fixture = (name: string): string => path.join(import.meta.dirname, '../fixtures/data', name);
/** 16 bytes of header and 5·3·4 values. */
const LIMITS = { rank: 3, maxBytes: 76 };

interface Damage {
  readonly file: string;
  readonly offset: number | null;
  readonly got: string | number | RegExp;
  readonly expected: string | number | RegExp;
}

const DAMAGE: readonly Damage[] = [
  { file: 'missing.idx', offset: null, got: 'ENOENT', expected: /may read/ },
  { file: '.', offset: null, got: 'something other than a file', expected: /may read/ },
  { file: 'empty.idx', offset: 0, got: 0, expected: 'at least 16 bytes' },
  { file: 'three-bytes.idx', offset: 3, got: 3, expected: 'at least 16 bytes' },
  { file: 'header-cut.idx', offset: 10, got: 10, expected: 'at least 16 bytes' },
  { file: 'values-cut.idx', offset: 75, got: '75 bytes', expected: '76 bytes for dimensions 5 × 3 × 4' },
  { file: 'trailing.idx', offset: 76, got: '77 bytes', expected: '76 bytes for dimensions 5 × 3 × 4' },
  { file: 'wrong-magic.idx', offset: 0, got: '0x0100', expected: '0x0000' },
  { file: 'wrong-type.idx', offset: 2, got: '0x0d', expected: '0x08 (uint8)' },
  { file: 'wrong-rank.idx', offset: 3, got: 2, expected: 3 },
  { file: 'labels.idx', offset: 3, got: 1, expected: 3 },
  { file: 'zero-dimension.idx', offset: 8, got: 0, expected: 'at least 1' },
  { file: 'huge-dimensions.idx', offset: 76, got: '76 bytes', expected: /for dimensions 4294967295 × 4294967295/ },
  { file: 'gzip-cut.idx.gz', offset: 0, got: 'unexpected end of file', expected: /whole stream/ },
  { file: 'gzip-checksum.idx.gz', offset: 0, got: 'incorrect data check', expected: /whole stream/ },
  { file: 'gzip-trailing.idx.gz', offset: 93, got: 4, expected: 0 },
  { file: 'gzip-garbage.idx.gz', offset: 0, got: 'incorrect header check', expected: /whole stream/ },
  { file: 'bomb.idx.gz', offset: 76, got: /more than \d+ bytes/, expected: /at most \d+ bytes/ },
];

describe('readIdx', () => {
  test.each(DAMAGE)('refuses $file, saying where and what', ({ file, offset, got, expected }) => {
    const error = refusalOf(() => readIdx(fixture(file), LIMITS));
    expect(error.file).toBe(fixture(file));
    expect(error.offset).toBe(offset);
    for (const [actual, wanted] of [[error.got, got] as const, [error.expected, expected] as const]) {
      if (wanted instanceof RegExp) expect(actual).toMatch(wanted);
      else expect(actual).toBe(wanted);
    }
    expect(error.cure).not.toBe('');
    for (const part of [error.file, error.got, error.expected, error.cure])
      expect(error.message).toContain(String(part));
  });

  test('refuses a plain file far larger than its array without reading it', () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'idx-')), 'large.idx');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 40); // sparse: takes no room, and could not be read into memory
    const error = refusalOf(() => readIdx(file, LIMITS));
    rmSync(path.dirname(file), { recursive: true });
    expect(error.message).toMatch(/got 1099511627776 bytes, expected at most 76 bytes/);
  });

  test.each(['images.idx', 'images.idx.gz'])('reads %s as the independent writer wrote it', (file) => {
    const { array, contents } = readIdx(fixture(file), LIMITS);
    expect(array.dimensions).toEqual([5, 3, 4]);
    const expected = Array.from({ length: 60 }, (_, at) => {
      const [n, i, j] = [Math.floor(at / 12), Math.floor(at / 4) % 3, at % 4];
      return (40 * n + 10 * i + j) % 256;
    });
    expect([...array.values]).toEqual(expected);
    expect(contents.length).toBe(76);
  });

  test('reads labels', () => {
    expect([...readIdx(fixture('labels.idx'), { rank: 1, maxBytes: 13 }).array.values]).toEqual([3, 1, 4, 1, 5]);
  });
});

test('an error without a file names none', () => {
  const error = new DataError({ operation: 'o', quantity: 'q', got: 1, expected: 2, cure: 'c' });
  expect(error.message).toBe('o: q: got 1, expected 2; c');
  expect([error.file, error.offset]).toEqual([null, null]);
});
