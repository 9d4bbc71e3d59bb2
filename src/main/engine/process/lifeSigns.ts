import { countFrom } from '../backends/machine.ts';

/** How often the engine says that it is alive, as far as its calls let it. */
export const BEAT_MILLISECONDS = 1000;

/**
 * Seconds that an engine may be silent. Its one thread makes synchronous native calls, of which the longest is a training step or a
 * pass of the largest model on a slow processor, or reading a data set: seconds to a few minutes. A thread beside it would answer
 * at once, but only that the process exists; what hangs in practice is the call.
 */
const DEFAULT_SILENCE = 600;

/** PTW_ENGINE_SILENCE in seconds. @throws RangeError when it is not a whole number of at least 1 */
export function silenceLimit(env: NodeJS.ProcessEnv): number {
  return countFrom(env, 'PTW_ENGINE_SILENCE', 'for the default of ten minutes') ?? DEFAULT_SILENCE;
}

/**
 * Listens for an engine's signs of life while it is expected to give some. Silence is counted in ticks of this process and not read
 * off a clock: clocks jump, and a machine that slept for hours had both processes asleep.
 */
export class LifeSigns {
  readonly #limitSeconds: number;
  readonly #onSilent: () => void;
  #timer: NodeJS.Timeout | undefined;
  #silentTicks = 0;

  constructor(limitSeconds: number, onSilent: () => void) {
    this.#limitSeconds = limitSeconds;
    this.#onSilent = onSilent;
  }

  heard(): void {
    this.#silentTicks = 0;
  }

  listen(): void {
    if (this.#timer !== undefined) return;
    this.#silentTicks = 0;
    this.#timer = setInterval(() => {
      if (++this.#silentTicks < this.#limitSeconds) return;
      this.stop();
      this.#onSilent();
    }, 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
