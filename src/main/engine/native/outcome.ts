/**
 * What setting up native TensorFlow can come to: a closed set, never an exception. Each way of not having it says
 * what was found and what to do next, because the program goes on with another backend and only `ptw doctor` tells.
 */
export type UnavailableCode =
  | 'chosen-none'
  | 'unknown-choice'
  | 'unsupported-platform'
  | 'package-absent'
  | 'not-installed'
  | 'chosen-other'
  | 'no-driver'
  | 'no-pip'
  | 'no-compiler'
  | 'no-network'
  | 'pip-failed'
  | 'hash-mismatch'
  | 'disk-full'
  | 'unpack-failed'
  | 'compile-failed'
  | 'does-not-load';

export interface Unavailable {
  readonly status: 'unavailable';
  readonly code: UnavailableCode;
  /** One sentence: what was found. */
  readonly reason: string;
  /** One sentence: what to do about it. */
  readonly cure: string;
}

const RETRY = 'run: npm run setup:tensorflow';

const CURES: Readonly<Record<UnavailableCode, string>> = {
  'chosen-none': `Unset PTW_TENSORFLOW and ${RETRY}.`,
  'unknown-choice': `Set PTW_TENSORFLOW to cpu, cuda or none, or unset it, then ${RETRY}.`,
  'unsupported-platform': 'Use Linux (x86-64 or ARM64) or a Mac with Apple silicon; meanwhile the wasm backend serves.',
  'package-absent': 'Run npm ci without --omit=optional.',
  'not-installed': `To have it, ${RETRY}.`,
  'chosen-other': 'Unset PTW_TENSORFLOW.',
  'no-driver': `Install the driver of the GPU's vendor, then ${RETRY}.`,
  'no-pip': `Install Python 3 with pip and the zipfile module, then ${RETRY}.`,
  'no-compiler': `Install g++ or clang++ (Debian: apt install g++; macOS: xcode-select --install), then ${RETRY}.`,
  'no-network': `When the Python package index can be reached, or pip is told of a proxy or mirror, ${RETRY}.`,
  'pip-failed': `See what pip says, put it right, then ${RETRY}.`,
  'hash-mismatch': `Find out whether a mirror or proxy alters files; if the network is sound, ${RETRY}.`,
  'disk-full': `Free the space, or set PTW_CACHE_DIR to a folder on a larger disk, then ${RETRY}.`,
  'unpack-failed': `See that the cache folder can be written to, then ${RETRY}.`,
  'compile-failed': `Install a compiler with C++17 (g++ 9 or clang++ 10, or later), or name one in CXX, then ${RETRY}.`,
  'does-not-load': 'Use a system with glibc 2.27 or later and a processor with AVX; meanwhile the wasm backend serves.',
};

/** @param reason One sentence, ending with a full stop. @param cure Where the usual cure does not fit. */
export function unavailable(code: UnavailableCode, reason: string, cure: string = CURES[code]): Unavailable {
  return { status: 'unavailable', code, reason, cure };
}

/**
 * Carries an outcome up through the steps of an installation; `installTensorFlow` catches it, nothing outside sees it.
 */
export class SetupStopped extends Error {
  readonly outcome: Unavailable;
  constructor(outcome: Unavailable) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

/** Ends an installation with this outcome. */
export function stop(code: UnavailableCode, reason: string): never {
  throw new SetupStopped(unavailable(code, reason));
}
