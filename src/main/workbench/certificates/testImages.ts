import type { Domain, ExperimentConfig } from '../../../shared/config.ts';
import { prepareTransfer, type Transfer, type TransferDomain } from '../../data/transfer.ts';
import { nearestOnLattice } from '../../math/lattice/lattice.ts';
import { fillLatticeDraws } from '../../math/lattice/latticeNormal.ts';
import { fillDraws } from '../../engine/ops/standardNormal.ts';
import { drawKeys } from '../../engine/smoothing/draws.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { transferSpecOf } from '../runInProgress.ts';
import { requireSameData } from '../sameData.ts';
import { storedRun, type StoredRun } from '../storedRun.ts';

/** Images of a run as a page shows them: [n, H, W, C], 0 to 255. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/** Transfers that are kept open; one may be some hundred megabytes. */
const MOST_OPEN = 2;

/** Test images of runs, read when they are first asked for and kept for the next questions. */
export class TestImages {
  readonly #store: Store;
  readonly #open = new Map<string, Transfer>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws StoreError 'not-found'; DataError where the files are gone; BadInput where they are not the run's, or an index is none of them */
  images(run: number, domain: Domain, indices: readonly number[]): Pixels {
    const { stored, transfer } = this.#transferOf(run);
    requireIndices(transfer[domain], indices, { run: stored.run.id, domain });
    return this.pixelsOf(transfer, domain, transfer[domain].test.images(Int32Array.from(indices)));
  }

  /** The clean image and its first noisy draws. @throws as images */
  draws(
    run: number,
    {
      domain,
      index,
      of,
      count,
    }: {
      readonly domain: Domain;
      readonly index: number;
      readonly of: 'selection' | 'estimation';
      readonly count: number;
    },
  ): Pixels & { readonly sigma: number } {
    const { stored, transfer } = this.#transferOf(run);
    requireIndices(transfer[domain], [index], { run, domain });
    const clean = transfer[domain].test.images(Int32Array.of(index));
    const { sigma, noise: kind } = stored.config.certification;
    const noise = noiseOf(stored.config, { domain, index, of, count, size: clean.length });
    const centre = kind === 'lattice' ? nearestOnLattice(clean, sigma) : clean;
    const all = new Float32Array((count + 1) * clean.length);
    for (let i = 0; i < all.length; i++) {
      all[i] = i < clean.length ? clean[i] : centre[i % clean.length] + noise[i - clean.length];
    }
    return { sigma, ...this.pixelsOf(transfer, domain, all) };
  }

  /** A test image in normalised units, and how to show what is made of it. @throws as images */
  normalised(
    run: number,
    { domain, index }: { readonly domain: Domain; readonly index: number },
  ): {
    readonly image: Float32Array;
    readonly show: (images: Float32Array) => Pixels;
    /** A difference of images, [H, W, C], in pixel units. */
    readonly inPixels: (difference: Float32Array) => Float32Array;
  } {
    const { transfer } = this.#transferOf(run);
    requireIndices(transfer[domain], [index], { run, domain });
    const { deviation } = transfer.statistics;
    return {
      image: transfer[domain].test.images(Int32Array.of(index)),
      show: (images) => this.pixelsOf(transfer, domain, images),
      inPixels: (difference) => difference.map((value, i) => value * deviation[i % deviation.length]),
    };
  }

  private pixelsOf(
    { statistics: { mean, deviation }, ...domains }: Transfer,
    domain: Domain,
    images: Float32Array,
  ): Pixels {
    const { height, width, channels } = domains[domain].test.shape;
    // Clamped and rounded by the array's own conversion.
    const pixels = Uint8ClampedArray.from(images, (value, i) => {
      const c = i % channels;
      return 255 * (value * deviation[c] + mean[c]);
    });
    return { height, width, channels, pixels: new Uint8Array(pixels.buffer) };
  }

  #transferOf(id: number): { readonly stored: StoredRun; readonly transfer: Transfer } {
    const stored = storedRun(this.#store, id);
    const spec = transferSpecOf(stored.config);
    const key = JSON.stringify(spec);
    const transfer = this.#open.get(key) ?? prepareTransfer(spec);
    // The newest comes last, and the oldest goes.
    this.#open.delete(key);
    this.#open.set(key, transfer);
    for (const old of [...this.#open.keys()].slice(0, -MOST_OPEN)) this.#open.delete(old);
    requireSameData(stored, transfer, `showing images of run ${id}`);
    return { stored, transfer };
  }
}

function requireIndices(
  { test, dataset }: TransferDomain,
  indices: readonly number[],
  { run, domain }: { readonly run: number; readonly domain: Domain },
): void {
  const wrong = indices.find((index) => index >= test.count);
  if (wrong === undefined) return;
  throw new BadInput(
    `images of run ${run}: ${dataset} (${domain}) has test images 0 to ${test.count - 1}, got ${wrong}`,
  );
}

/** [count, size] σ·η, what the engine smooths with: on a lattice exactly, else to the last digit. */
export function noiseOf(
  { seed, certification: { sigma, noise: kind } }: Pick<ExperimentConfig, 'seed' | 'certification'>,
  {
    domain,
    index,
    of,
    count,
    size,
  }: {
    readonly domain: Domain;
    readonly index: number;
    readonly of: 'selection' | 'estimation';
    readonly count: number;
    readonly size: number;
  },
): Float32Array {
  const key = drawKeys(seed, domain, index)[of];
  const noise = new Float32Array(count * size);
  if (kind === 'lattice') {
    fillLatticeDraws(noise, { key, first: 0, size, sigma });
    return noise;
  }
  fillDraws(noise, { key, first: 0, size });
  return noise.map((eta) => sigma * eta);
}
