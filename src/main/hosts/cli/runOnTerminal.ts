import { engineText } from '../../workbench/engineText.ts';
import type { RunReporter } from '../../workbench/runInProgress.ts';
import type { RunHost } from '../../workbench/workbench.ts';
import { EXIT } from './exit.ts';
import { terminalReporter } from './progress.ts';

/** Does long work of a run with its progress on standard error; Ctrl-C interrupts it in order, a second one at once. */
export function onTerminal<T>(work: (reporter: RunReporter, signal: AbortSignal) => Promise<T>): Promise<T> {
  const reporter = terminalReporter();
  return interruptibly(reporter, (signal) => work(reporter, signal));
}

/** Does long work that Ctrl-C interrupts in order, and a second one at once. @param reporter what shows its progress meanwhile */
export async function interruptibly<T>(
  reporter: { stop(): void },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const onSignal = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    reporter.stop();
    process.stderr.write('Interrupting; what is done is kept. Press again to end at once.\n');
    abort.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(abort.signal);
  } finally {
    reporter.stop();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Works a run off, saying first which backend serves. */
export function runOnTerminal<T>(work: (host: RunHost) => Promise<T>): Promise<T> {
  return onTerminal((reporter, signal) => work({ reporter, signal, opened: ({ backend }) => printBackend(backend) }));
}

function printBackend(backend: Parameters<RunHost['opened']>[0]['backend']): void {
  process.stderr.write(`Backend: ${engineText(backend)}\n`);
  // One line when something faster could serve; the whole story is doctor's.
  const better = backend.name === 'wasm' ? backend.notChosen.at(0) : undefined;
  if (better !== undefined) process.stderr.write(`Slower than need be: ${better.reason} ${better.cure}\n`);
}
