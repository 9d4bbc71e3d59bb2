import { createHash, type Hash } from 'node:crypto';
import type { CertificateRecord } from '../../shared/results.ts';
import type { StageRecord } from './tables/stage.ts';
import { dtypeOf, toBlob, type NumericArray } from './exactValues.ts';

export type SealedStage = Pick<StageRecord, 'key' | 'domain' | 'headLabel'>;

/**
 * 128 bits of the SHA-256 of a certificate as it was committed, verdict, evidence and all, and of what it speaks of. Kept with its
 * evidence, it tells whether what is read is what was stored, whatever happened to the file between.
 */
export function recordSeal(record: CertificateRecord, { key, domain, headLabel }: SealedStage): string {
  const hash = createHash('sha256');
  feed(hash, { record, key, domain, headLabel });
  return hash.digest('hex').slice(0, 32);
}

/** Every value with its type and, where it has one, its length: no two values feed the same bytes. Keys in order, undefined left out. */
function feed(hash: Hash, value: unknown): void {
  const dtype = dtypeOf(value);
  if (dtype !== null) {
    const blob = toBlob(value as NumericArray);
    hash.update(`${dtype}:${blob.length}:`).update(blob);
  } else if (typeof value === 'number') {
    const bits = Buffer.allocUnsafe(9);
    bits.write('n');
    bits.writeDoubleLE(value, 1);
    hash.update(bits);
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(object).filter((key) => object[key] !== undefined);
    hash.update(`{${keys.length}:`);
    for (const key of keys.sort()) {
      feed(hash, key);
      feed(hash, object[key]);
    }
  } else {
    const text = `${typeof value}:${String(value)}`;
    hash.update(`${text.length}:${text}`);
  }
}
