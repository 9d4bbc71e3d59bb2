import cliProgress from 'cli-progress';
import type { RunReporter } from '../../workbench/runInProgress.ts';

/** Below this share of news a plain log would say the same thing over and over. */
const PLAIN_STEP = 0.25;

/** Shows a run on standard error: a bar with ETA on a terminal, plain lines elsewhere. */
export function terminalReporter(stream: NodeJS.WriteStream = process.stderr): RunReporter & { stop(): void } {
  return stream.isTTY ? barReporter(stream) : lineReporter((line) => stream.write(`${line}\n`));
}

function barReporter(stream: NodeJS.WriteStream): RunReporter & { stop(): void } {
  let bar: cliProgress.SingleBar | null = null;
  let title = '';
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  return {
    began(work) {
      stop();
      title = work.title;
      if (work.reused) stream.write(`${title}: already done\n`);
    },
    progress(done, total) {
      if (bar === null) {
        bar = new cliProgress.SingleBar({
          stream,
          format: `${title} [{bar}] {percentage}% | {value}/{total} | ETA {eta_formatted}`,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false,
          etaBuffer: 50,
        });
        bar.start(total, done);
      }
      bar.setTotal(total);
      bar.update(done);
    },
    epoch(text) {
      const { current, total } = barState(bar);
      stop();
      stream.write(`  ${text}\n`);
      if (current > 0) this.progress(current, total);
    },
    notice(text) {
      this.epoch(text);
    },
    ended(seconds) {
      stop();
      stream.write(`${title}: ${seconds.toFixed(1)} s\n`);
    },
    stop,
  };
}

function barState(bar: cliProgress.SingleBar | null): { current: number; total: number } {
  const state = bar as unknown as { value?: number; total?: number } | null;
  return { current: state?.value ?? 0, total: state?.total ?? 1 };
}

/** For logs and pipes. */
export function lineReporter(write: (line: string) => void): RunReporter & { stop(): void } {
  let title = '';
  let next = PLAIN_STEP;
  return {
    began(work) {
      title = work.title;
      next = PLAIN_STEP;
      write(work.reused ? `${title}: already done` : `${title} …`);
    },
    progress(done, total) {
      if (done / total < next || done === total) return;
      write(`  ${Math.floor((100 * done) / total)} %`);
      while (next <= done / total) next += PLAIN_STEP;
    },
    epoch: (text) => write(`  ${text}`),
    notice: (text) => write(`  ${text}`),
    ended: (seconds) => write(`${title}: ${seconds.toFixed(1)} s`),
    stop: () => undefined,
  };
}
