import type { Forecast, KindForecast } from '../../../shared/studyReport.ts';
import type { StageKind } from '../../store/tables/stage.ts';
import type { RunSelector } from '../../store/runList.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { learnedFrom } from '../learnedFrom.ts';
import { storedRun, type StoredRun } from '../storedRun.ts';
import type { DataAtHand } from './dataAtHand.ts';
import { MEASURED, measuredSeconds, type PieceOfWork } from './work.ts';

/** How much slower this machine is than the one of the constants, for one kind of stage, and what that is known from. */
interface Pace {
  readonly factor: number;
  /** Pieces of work in the store that it is taken from; 0 for an estimate from the constants. */
  readonly pieces: number;
  readonly seconds: number;
}

/** Runs that are looked at, newest first. */
const RUNS = 30;
/** Below this a piece's time is that of starting it. Seconds. */
const TOO_SHORT = 5;

/** What an estimate is taken from. */
export const ESTIMATED_FROM =
  `${MEASURED.inference} ms a batch of ${MEASURED.batch} through wrn-10-2 at 28×28×1, with TensorFlow on 2 cores, ` +
  'and in proportion to images, epochs, operations of the extractor and passes; a GPU is many times faster';

export type { Forecast, KindForecast };

/** Time for pieces of work that are yet to be done; training is counted to its last epoch, which early stopping may spare. */
export function forecast(pieces: readonly PieceOfWork[], paces: ReadonlyMap<StageKind, Pace>): Forecast {
  const kinds = [...Map.groupBy(pieces, ({ kind }) => kind)].map(([kind, ofKind]) => {
    const pace = paces.get(kind);
    const seconds = ofKind.reduce((sum, piece) => sum + measuredSeconds(piece), 0) * (pace?.factor ?? 1);
    return { kind, seconds, basis: basisText(pace), isEstimate: pace === undefined };
  });
  return { seconds: kinds.reduce((sum, { seconds }) => sum + seconds, 0), kinds };
}

function basisText(pace: Pace | undefined): string {
  if (pace === undefined) return 'estimate: nothing of the kind is stored yet';
  return `from ${pace.pieces} stored ${pace.pieces === 1 ? 'piece' : 'pieces'} of work of ${pace.seconds.toFixed(0)} s`;
}

/** A piece of work that was done. */
export interface DonePiece {
  readonly run: number;
  readonly kind: StageKind;
  readonly seconds: number;
  /** On the machine of the constants. */
  readonly expected: number;
  /** What would have been expected before: training to its last epoch, which early stopping may have spared. */
  readonly planned: number;
}

/** What the store's newest runs did themselves. Runs of older programs that no longer parse are passed over. */
export function donePieces(store: Store, data: DataAtHand): DonePiece[] {
  const seen = new Set<number>();
  const newest = store.runList.page(EVERY_RUN, { order: NEWEST, offset: 0, limit: RUNS });
  return newest.flatMap(({ id }) => {
    const run = parsed(store, id);
    if (run === null) return [];
    return piecesOf(store, { run, data, seen }).map(({ piece, seconds }) => ({
      run: id,
      kind: piece.kind,
      seconds,
      expected: measuredSeconds(piece),
      planned: measuredSeconds({ ...piece, epochs: mostEpochs(piece) }),
    }));
  });
}
const EVERY_RUN: RunSelector = { search: '', statuses: [], tags: [], archived: 'too', conditions: [] };
const NEWEST = [{ column: { kind: 'fact', name: 'id' }, isDescending: true }] as const;

/** How fast each kind of work was. */
export function pacesOf(done: readonly DonePiece[]): Map<StageKind, Pace> {
  const paces = new Map<StageKind, Pace>();
  for (const [kind, pieces] of Map.groupBy(done, (piece) => piece.kind)) {
    const seconds = pieces.reduce((sum, one) => sum + one.seconds, 0);
    const expected = pieces.reduce((sum, one) => sum + one.expected, 0);
    if (expected > 0) paces.set(kind, { factor: seconds / expected, pieces: pieces.length, seconds });
  }
  return paces;
}

/** How fast each kind of work was in the store's newest runs. */
export const storedPaces = (store: Store, data: DataAtHand): Map<StageKind, Pace> => pacesOf(donePieces(store, data));

function parsed(store: Store, id: number): StoredRun | null {
  try {
    return storedRun(store, id);
  } catch (error) {
    if (error instanceof BadInput) return null;
    throw error;
  }
}

const mostEpochs = ({ kind, config: { training } }: PieceOfWork): number | null =>
  kind === 'extractor' ? training.source.maxEpochs : kind === 'head' ? training.heads.maxEpochs : null;

interface Looking {
  readonly run: StoredRun;
  readonly data: DataAtHand;
  /** Stages that another run has shown already. */
  readonly seen: Set<number>;
}

/** Pieces of work that a run did itself. Stages that were worked off in one pass have the same seconds to the last digit. */
function piecesOf(store: Store, { run, data, seen }: Looking): { piece: PieceOfWork; seconds: number }[] {
  const done = run.stages.filter(
    ({ id, status, seconds }) => status === 'done' && seconds !== null && seconds >= TOO_SHORT && !seen.has(id),
  );
  for (const { id } of done) seen.add(id);
  const passes = Map.groupBy(done, ({ kind, domain, seconds }) => JSON.stringify([kind, domain, seconds]));
  return [...passes.values()].flatMap((stages) => {
    const [{ kind, domain, seconds }] = stages;
    const trains = kind === 'extractor' || kind === 'head';
    const images = data.trainingImages(run.config, domain ?? 'source', learnedFrom(stages[0]));
    const shape = data.shape(run.config, domain);
    // A folder that has gone: what the work was worth is not known any more.
    if (images === null || shape === null) return [];
    const epochs = trains ? Math.max(...stages.map(({ id }) => store.stages.epochs(id).length)) : null;
    const piece = { kind, domain, config: run.config, shape, heads: stages.length, images, epochs };
    return [{ piece, seconds: seconds! }];
  });
}
