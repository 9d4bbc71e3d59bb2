import { describe, expect, it } from 'vitest';
import { recordSeal } from '../../src/main/store/recordSeal.ts';
import { certificatesOf } from './certificates.ts';
import { keyOf } from './fixtures.ts';

const STAGE = { key: keyOf('certification'), domain: 'target', headLabel: '1 layer, µ' } as const;

describe('the seal of a certificate', () => {
  it('is what it was: databases hold seals that were made before', () => {
    expect(certificatesOf(3).map((record) => recordSeal(record, STAGE))).toEqual([
      'f75dad306044eea5ef268a0f7561b69c',
      '4fc4b412e84a1a6e4f06771fa5d0d3d6',
      'd5e2dfae9d122ed2a2df99a9d702cea0',
      'd0ee26247cee7fa7bfc99959670e777f',
      'a1d4166a005c985b680571f1d7c8ca5c',
    ]);
  });

  it('depends neither on the order of keys nor on those that are undefined', () => {
    const [record] = certificatesOf(3);
    const reversed = Object.fromEntries(Object.entries(record).reverse()) as unknown as typeof record;
    expect(recordSeal({ ...reversed, more: undefined } as typeof record, STAGE)).toBe(recordSeal(record, STAGE));
  });
});
