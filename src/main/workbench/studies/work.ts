import type { ImageShape } from '../../data/catalogue.ts';
import { forwardFlops } from '../../engine/models/wideResNetWork.ts';
import { WIDE_RES_NETS } from '../../engine/models/wideResNetShape.ts';
import type { Domain, ExperimentConfig, TrainingSettings } from '../../../shared/config.ts';
import type { StageKind } from '../../store/tables/stage.ts';

/**
 * What a piece of work (all stages of a kind on a domain, as a run works them off) would take on the machine that the
 * constants were measured on. Another machine differs by a factor, which a forecast takes from stages in the store.
 */

/** Milliseconds for a batch of 64 through wrn-10-2 at 28×28×1, TensorFlow on 2 cores. */
export const MEASURED = { batch: 64, inference: 22, inputGradient: 52, training: 80, headStep: 2 } as const;

const SECONDS_PER_FLOP =
  MEASURED.inference /
  1e3 /
  (MEASURED.batch * forwardFlops(WIDE_RES_NETS['wrn-10-2'], { height: 28, width: 28, channels: 1 }));
/** In forward passes. */
const INPUT_GRADIENT = MEASURED.inputGradient / MEASURED.inference;
const TRAINING_STEP = MEASURED.training / MEASURED.inference;
/** Share of the training images that is held out (METHOD.md §2). */
const VALIDATION = 0.1;
/** What a certification spends on verdicts, beside the passes of the extractor: 250 ms for 600 draws and six heads. */
const VERDICTS = 250 / ((600 / MEASURED.batch) * MEASURED.inference);

export interface PieceOfWork {
  readonly kind: StageKind;
  /** Null for the extractor. */
  readonly domain: Domain | null;
  readonly config: ExperimentConfig;
  /** Of the images as the extractor sees them (METHOD.md §5). */
  readonly shape: ImageShape;
  /** Heads that it is done for; 1 for the extractor. */
  readonly heads: number;
  /** Training images of the domain, validation images included. */
  readonly images: number;
  /** At most; null where the kind does not train. */
  readonly epochs: number | null;
}

/** Seconds on the machine of the constants. */
export function measuredSeconds(piece: PieceOfWork): number {
  const { config, shape, kind, heads } = piece;
  const perImage = SECONDS_PER_FLOP * forwardFlops(WIDE_RES_NETS[config.extractor.preset], shape);
  const headSteps =
    kind === 'head' ? (heads * (piece.epochs ?? 0) * piece.images) / config.training.heads.batchSize : 0;
  return passesOf(piece) * perImage + (headSteps * MEASURED.headStep) / 1e3;
}

/** Forward passes of one image that a piece is worth. */
function passesOf(piece: PieceOfWork): number {
  const { kind, config, heads } = piece;
  const { instances, noiseAttack, pgd, adversarialSearch: search, certification } = config;
  const attacked = (of: { readonly instances?: number | undefined }): number =>
    Math.min(of.instances ?? instances, instances);
  switch (kind) {
    case 'extractor':
      return extractorPasses(piece);
    case 'head':
      return headPasses(piece);
    case 'prediction':
      return instances;
    case 'pgd':
      return heads * attacked(pgd) * pgd.restarts * pgd.steps * INPUT_GRADIENT;
    case 'noise-attack':
      // All heads read the same draws.
      return attacked(noiseAttack) * noiseAttack.draws;
    case 'adversarial-search':
      return heads * attacked(search) * (search.inputSearch ? search.steps : 0) * INPUT_GRADIENT;
    case 'certification':
      return instances * (certification.draws + certification.selectionDraws) * VERDICTS;
  }
}

function extractorPasses({ config, images, epochs }: PieceOfWork): number {
  const { source } = config.training;
  const perImage = attackPasses(source) + rowsOf(source) * TRAINING_STEP * (isDistance(source) ? 2 : 1);
  return images * (epochs ?? 0) * ((1 - VALIDATION) * perImage + VALIDATION / source.validationEvery);
}

/** Heads share the passes of clean and of noisy images; an attack follows its own head's gradient; kept draws are drawn once. */
function headPasses({ config, images, epochs, heads }: PieceOfWork): number {
  const { heads: training } = config.training;
  const kept = Math.max(0, ...config.heads.map(({ drawBank }) => drawBank?.draws ?? 0)) * images;
  const byProcedure = config.heads.filter(({ drawBank }) => drawBank === undefined).length;
  if (byProcedure === 0 || training.procedure === 'normal') return images + kept;
  const attack = attackPasses(training);
  const attacked = (heads * byProcedure) / config.heads.length;
  const perImage =
    attack === 0 ? rowsOf(training) : attacked * (attack + rowsOf(training) + (isDistance(training) ? 1 : 0));
  return kept + images * ((1 - VALIDATION) * perImage * (epochs ?? 0) + VALIDATION);
}

/** Passes of the attack on one training image, 0 where the procedure has none (METHOD.md §2). */
function attackPasses(training: TrainingSettings): number {
  const { procedure, attackSteps } = training;
  if (procedure === 'normal' || procedure === 'noise' || procedure === 'gaussian') return 0;
  return rowsOf(training) * attackSteps * INPUT_GRADIENT;
}

/** Rows that a training image makes: m under adv-s, and under gaussian with consistency. */
function rowsOf({ procedure, noiseDraws, consistency }: TrainingSettings): number {
  if (procedure === 'adv-s') return noiseDraws;
  return procedure === 'gaussian' ? (consistency?.draws ?? 1) : 1;
}

const isDistance = ({ procedure }: TrainingSettings): boolean => procedure === 'adv-d';
