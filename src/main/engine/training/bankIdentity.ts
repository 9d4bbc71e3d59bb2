import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { batches } from '../imageSet.ts';
import { arraysFrom } from '../models/parameters.ts';
import { bankKey } from './bankKey.ts';
import type { BankRequest } from './drawBank.ts';

/** Raised when the same draw would come out differently. */
const VERSION = 1;
const IMAGES_AT_A_TIME = 512;

/**
 * Names of kept draws by all that they depend on: the weights and the images by content, the noise by its key, σ and, since last digits
 * differ between them, the backend and the precisions. Nothing stale can have the name of what is asked for.
 */
export async function identityOf(
  request: BankRequest & { readonly indices: Int32Array },
): Promise<(draw: number) => string> {
  const { extractor, set, indices, sigma, precision } = request;
  const hash = createHash('sha256');
  const facts = { net: extractor.net, computed: extractor.precision, backend: tf.getBackend(), shape: set.shape };
  hash.update(JSON.stringify({ version: VERSION, sigma, precision, ...facts }));
  const arrays = Object.entries(await arraysFrom(extractor.parameters));
  for (const [name, { data }] of arrays.sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytesOf(data));
  for (const part of batches(indices, IMAGES_AT_A_TIME)) hash.update(bytesOf(set.images(part)));
  const all = hash.digest();
  return (draw) => createHash('sha256').update(all).update(bankKey(request, draw).join(' ')).digest('hex');
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
