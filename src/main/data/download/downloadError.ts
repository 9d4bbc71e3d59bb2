/**
 * Why an address did not give a file.
 * - `unreachable`: no server answered; an address of another server may.
 * - `passing`: worth another attempt at the same address.
 * - `final`: the server answered, and the file is not to be had from it.
 */
export type FaultKind = 'unreachable' | 'passing' | 'final';

export class AddressFault extends Error {
  override readonly name = 'AddressFault';
  readonly kind: FaultKind;
  /** How long the server asks to be left alone; null where it does not. */
  readonly pauseMs: number | null;

  constructor(kind: FaultKind, message: string, { pauseMs = null, cause }: FaultDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.pauseMs = pauseMs;
  }
}

interface FaultDetails {
  readonly pauseMs?: number | null;
  readonly cause?: unknown;
}

/** A file that could not be downloaded; the message says what the user can do. What came is kept where it can be gone on with. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  /** Whether no server at all answered: then no other file need be tried. */
  readonly offline: boolean;

  constructor(
    message: string,
    { offline = false, cause }: { readonly offline?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.offline = offline;
  }
}

/** The download was told to stop and can be gone on with. */
export class DownloadInterrupted extends Error {
  override readonly name = 'DownloadInterrupted';
  constructor(set: string) {
    super(`the download was interrupted; what came is kept, go on with: ptw data get ${set}`);
  }
}
