import { memoryBytes } from '../backends/machine.ts';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import { cacheSettings, representationCache, type RepresentationCache } from '../../data/representationCache.ts';
import type { DomainImages } from '../../data/transfer.ts';
import type { StageContext } from '../context.ts';
import { cacheRoot } from '../native/cache.ts';
import { drawBank, type DrawBank } from './drawBank.ts';
import { effectiveDrawBank, type EffectiveDrawBank } from './effectiveDrawBank.ts';
import type { StepPlace } from './headSteps.ts';
import type { TrainHeadsInputs } from './trainHeads.ts';

/** Where kept draws go and how much of them stays in memory. */
export interface BankKeeping {
  readonly cache: RepresentationCache | null;
  /** Bytes that a bank may hold in memory. */
  readonly memory: number;
}

/** The user's cache, and a quarter of the machine's memory. */
export function usualKeeping(): BankKeeping {
  const settings = cacheSettings(cacheRoot());
  return { cache: settings.limit === 0 ? null : representationCache(settings), memory: memoryBytes() / 4 };
}

/** Kept draws of one σ and precision, which heads share. */
export interface SharedBank {
  readonly training: DrawBank;
  readonly validation: DrawBank;
  /** The mean of each image's first draws, [count, D]: where boxes are centred. */
  centres(part: 'training' | 'validation', draws: number): Float32Array;
}

export interface HeadBanks {
  /** Of each head by its index; null for one that the procedure trains. */
  readonly ofHead: readonly (SharedBank | null)[];
  dispose(): void;
}

/** What each head reads of its bank; null for one without. @throws Error where σ is nowhere given */
export function effectiveBanks({ heads, smoothing }: TrainHeadsInputs): (EffectiveDrawBank | null)[] {
  return heads.map(({ shape: { spec } }) => {
    const { drawBank: bank } = spec;
    if (bank === undefined) return null;
    const sigma = bank.sigma ?? smoothing?.sigma;
    if (sigma === undefined) throw new Error('internal: draw bank: got no smoothing to take σ from');
    return effectiveDrawBank(bank, { sigma });
  });
}

export async function openHeadBanks(inputs: TrainHeadsInputs, context: StageContext): Promise<HeadBanks> {
  const settings = effectiveBanks(inputs);
  const groups = Map.groupBy(
    settings.filter((bank) => bank !== null),
    bankName,
  );
  const keeping = inputs.keeping ?? usualKeeping();
  const banks = new Map<string, SharedBank>();
  const opened: DrawBank[] = [];
  const dispose = (): void => opened.forEach((bank) => bank.dispose());
  try {
    for (const [name, group] of groups) {
      const draws = Math.max(...group.map((bank) => bank.draws));
      const open = async (part: 'training' | 'validation', set: DomainImages): Promise<DrawBank> => {
        const { extractor, seed, domain } = inputs;
        const bank = await drawBank({ extractor, seed, domain, part, set, ...group[0], draws, ...keeping }, context);
        opened.push(bank);
        return bank;
      };
      const training = await open('training', inputs.training);
      const validation = await open('validation', inputs.validation);
      banks.set(name, sharedBank(training, validation));
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { ofHead: settings.map((bank) => (bank === null ? null : banks.get(bankName(bank))!)), dispose };
}

const bankName = ({ sigma, precision }: EffectiveDrawBank): string => `${sigma} ${precision}`;

function sharedBank(training: DrawBank, validation: DrawBank): SharedBank {
  const known = new Map<string, Float32Array>();
  return {
    training,
    validation,
    centres(part, draws) {
      const name = `${part} ${draws}`;
      const centres = known.get(name) ?? meansOf(part === 'training' ? training : validation, draws);
      known.set(name, centres);
      return centres;
    },
  };
}

function meansOf(bank: DrawBank, draws: number): Float32Array {
  const { count, dimension } = bank;
  const means = new Float32Array(count * dimension);
  const all = firstDraws(draws);
  for (let image = 0; image < count; image++) {
    const rows = bank.rows(Int32Array.of(image), all);
    for (let d = 0; d < dimension; d++) {
      let sum = 0;
      for (let draw = 0; draw < draws; draw++) sum += rows[draw * dimension + d];
      means[image * dimension + d] = sum / draws;
    }
  }
  return means;
}

/** 0 … count − 1 */
export const firstDraws = (count: number): Int32Array => Int32Array.from({ length: count }, (_, draw) => draw);

/** The draws that a step takes, the same for all heads with as many of as many. */
export function drawsOfStep(
  { draws, drawsPerStep }: Pick<EffectiveDrawBank, 'draws' | 'drawsPerStep'>,
  { seed, domain }: Pick<TrainHeadsInputs, 'seed' | 'domain'>,
  { epoch, step }: Pick<StepPlace, 'epoch' | 'step'>,
): Int32Array {
  if (drawsPerStep >= draws) return firstDraws(draws);
  return shuffledIndices(draws, deriveKey(seed, 'bank-draws', domain, epoch, step)).slice(0, drawsPerStep);
}
