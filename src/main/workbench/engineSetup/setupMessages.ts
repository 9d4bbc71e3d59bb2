import type { InstallOutcome } from '../../engine/native/install.ts';

/** From the process that sets TensorFlow up to its host. */
export type SetupMessage =
  | { readonly kind: 'line'; readonly line: string }
  /** The host, which may start processes, is to try whether this addon loads. */
  | { readonly kind: 'try'; readonly binding: string }
  | { readonly kind: 'outcome'; readonly outcome: InstallOutcome };

/** And back. */
export interface TryAnswer {
  /** Null where the addon loads. */
  readonly problem: string | null;
}

/** Where the process that tries to load an addon is told which. */
export const BINDING_VARIABLE = 'PTW_TRY_BINDING';

export interface LoadReport {
  readonly version: string | null;
  readonly problem: string | null;
}
