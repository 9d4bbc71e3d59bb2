import { deriveKey } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import type { PhiloxKey } from '../ops/standardNormal.ts';

/** Whose draws: each part has keys of its own, apart from those of certificates. */
export type BankPart = 'training' | 'validation' | 'search-selection' | 'search-estimation';

export interface DrawKeyOf {
  readonly seed: number;
  readonly domain: Domain;
  readonly part: BankPart;
}

/**
 * The key of draw j of every image of a part. An image's place in the stream is its position in the set, so a draw is the same whichever
 * images and draws are computed with it, and a bank of m draws is the beginning of one of more.
 */
export function bankKey({ seed, domain, part }: DrawKeyOf, draw: number): PhiloxKey {
  return deriveKey(seed, 'draw-bank', domain, part, draw);
}
