/** What a stage may reach besides its inputs: progress out, cancellation in. */
export interface StageContext {
  /** Reports how much of the stage is done; totals are exact where known. */
  progress(done: number, total: number): void;
  /**
   * Lets the process read its messages; a stage calls it between steps, so that cancelling is obeyed within a step.
   * @throws Cancelled
   */
  breathe(): Promise<void>;
  /** Tells the user one sentence about how the stage goes on, such as with smaller batches. */
  notice(text: string): void;
  /** How often passes are halved from the start, since larger ones took an engine's process down with them. */
  readonly halvings: number;
}

/** Thrown out of a stage that was told to stop; nothing it reported is undone. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor() {
    super('cancelled');
  }
}

/** A context that reports nowhere and is never cancelled: tests, benches. */
export const QUIET: StageContext = {
  progress: () => undefined,
  breathe: () => Promise.resolve(),
  notice: () => undefined,
  halvings: 0,
};
