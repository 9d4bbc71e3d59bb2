import cliProgress from 'cli-progress';
import type { GetReporter } from '../../workbench/datasets/getDatasets.ts';
import { sizeText } from './sizeText.ts';

/** Below this share of news a plain log would say the same thing over and over. */
const PLAIN_STEP = 0.25;
/** A bar that is drawn for every piece that comes would cost more than the piece. */
const BAR_FRAMES_A_SECOND = 8;

type StoppableReporter = GetReporter & { stop(): void };

/** Shows downloads on standard error: a bar a file on a terminal, plain lines elsewhere. */
export function downloadReporter(stream: NodeJS.WriteStream = process.stderr): StoppableReporter {
  const write = (line: string): boolean => stream.write(`${line}\n`);
  return stream.isTTY ? barReporter(stream, write) : lineReporter(write);
}

type Write = (line: string) => unknown;

function setLine({ title, licence, files, folder }: Parameters<GetReporter['beganSet']>[0]): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${title}, ${sizeText(bytes)} into ${folder}; licence: ${licence}`;
}

function barReporter(stream: NodeJS.WriteStream, write: Write): StoppableReporter {
  let bar: cliProgress.SingleBar | null = null;
  let shown = 0;
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  return {
    beganSet: (set) => write(setLine(set)),
    began: () => undefined,
    progress(bytes, file) {
      shown = bytes;
      if (bar === null) {
        bar = new cliProgress.SingleBar({
          stream,
          format: `  ${file.name} [{bar}] {percentage}% | {value} of {total} | ETA {eta_formatted}`,
          formatValue: (value, _options, type) =>
            type === 'value' || type === 'total' ? sizeText(value) : String(value),
          fps: BAR_FRAMES_A_SECOND,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false,
          etaBuffer: 200,
        });
        bar.start(file.bytes, bytes);
      }
      bar.update(shown);
    },
    notice(text) {
      stop();
      write(`  ${text}`);
    },
    ended(file, outcome) {
      stop();
      write(`  ${file.name}: ${outcome}`);
    },
    stop,
  };
}

/** For logs and pipes. */
export function lineReporter(write: Write): StoppableReporter {
  let next = PLAIN_STEP;
  return {
    beganSet: (set) => write(setLine(set)),
    began(file) {
      next = PLAIN_STEP;
      write(`  ${file.name}, ${sizeText(file.bytes)} …`);
    },
    progress(bytes, file) {
      const share = bytes / file.bytes;
      if (share < next || share === 1) return;
      write(`    ${Math.floor(100 * share)} %`);
      while (next <= share) next += PLAIN_STEP;
    },
    notice: (text) => write(`  ${text}`),
    ended: (file, outcome) => write(`  ${file.name}: ${outcome}`),
    stop: () => undefined,
  };
}
