/** What the process ends with; scripts rely on it. */
export const EXIT = { done: 0, failed: 1, badInput: 2, interrupted: 130 } as const;

const BAD_INPUT = new Set(['BadInput', 'DataError']);
const INTERRUPTED = new Set(['Interrupted', 'StudyInterrupted', 'DownloadInterrupted']);

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return EXIT.failed;
  if (INTERRUPTED.has(error.name)) return EXIT.interrupted;
  return BAD_INPUT.has(error.name) ? EXIT.badInput : EXIT.failed;
}

/** One sentence for a person; a stack only for what can be nothing but our own defect. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.startsWith('internal:') ? (error.stack ?? error.message) : error.message;
}
