import type { Domain } from '../../../shared/config.ts';
import type { Store } from '../../store/store.ts';
import type { StageKind } from '../../store/tables/stage.ts';
import { stageOf, storedRun } from '../storedRun.ts';
import type { Pixels, TestImages } from './testImages.ts';

export interface AdversarialExample extends Pixels {
  readonly attack: 'pgd' | 'noise-attack' | 'adversarial-search';
  /** False for where a search ended without another prediction. */
  readonly isAdversarial: boolean;
  readonly predicted: number | null;
  /** Normalised units. */
  readonly distanceL2: number;
  readonly distanceLinf: number;
  readonly distanceL2Pixels: number;
  readonly magnification: number;
}

/** A difference is magnified until its largest value is this much of the range, so that it can be seen. */
const SEEN = 0.5;
const MOST_MAGNIFIED = 1000;

/** What attacks and searches found on one image of a head: clean, perturbed and magnified difference. @throws as TestImages.images */
export function adversarialExamples(
  store: Store,
  images: TestImages,
  {
    run: id,
    domain,
    index,
    head,
  }: {
    readonly run: number;
    readonly domain: Domain;
    readonly index: number;
    readonly head: string;
  },
): AdversarialExample[] {
  const run = storedRun(store, id);
  const found = <T>(kind: StageKind, read: (stage: number) => T | null): T | null => {
    const stage = stageOf(run, kind, { domain, head });
    return stage === undefined ? null : read(stage.id);
  };
  const pgd = found('pgd', (stage) => store.results.pgdOf(stage, index));
  const noise = found('noise-attack', (stage) => store.results.noiseAttackOf(stage, index));
  const input = found('adversarial-search', (stage) => store.results.adversarialSearchOf(stage, index))?.input ?? null;
  const perturbations = [
    { attack: 'pgd' as const, perturbation: pgd?.perturbation ?? null, isAdversarial: true, predicted: null },
    {
      attack: 'noise-attack' as const,
      perturbation: noise?.perturbation ?? null,
      isAdversarial: true,
      predicted: null,
    },
    {
      attack: 'adversarial-search' as const,
      perturbation: input?.perturbation ?? null,
      isAdversarial: input?.found === true,
      predicted: input?.predicted ?? null,
    },
  ];
  return perturbations.flatMap(({ perturbation, ...facts }) =>
    perturbation === null ? [] : [{ ...facts, ...shown(images, { run: id, domain, index, perturbation }) }],
  );
}

function shown(
  images: TestImages,
  { run, perturbation, ...of }: { run: number; domain: Domain; index: number; perturbation: Float32Array },
): Omit<AdversarialExample, 'attack' | 'isAdversarial' | 'predicted'> {
  const { image, show, inPixels } = images.normalised(run, of);
  const perturbed = image.map((value, i) => value + perturbation[i]);
  const inPixelUnits = inPixels(perturbation);
  const magnification = Math.min(MOST_MAGNIFIED, SEEN / largestOf(inPixelUnits));
  const both = new Float32Array(2 * image.length);
  both.set(image);
  both.set(perturbed, image.length);
  const { pixels, height, width, channels } = show(both);
  const all = new Uint8Array(3 * image.length);
  all.set(pixels);
  // Around grey: darker where it takes away, lighter where it adds.
  const difference = Uint8ClampedArray.from(inPixelUnits, (value) => 127.5 + 255 * magnification * value);
  all.set(difference, 2 * image.length);
  return {
    distanceL2: lengthOf(perturbation),
    distanceLinf: largestOf(perturbation),
    distanceL2Pixels: lengthOf(inPixelUnits),
    magnification,
    height,
    width,
    channels,
    pixels: all,
  };
}

const lengthOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const largestOf = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
