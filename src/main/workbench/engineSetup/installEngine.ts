import { fileURLToPath } from 'node:url';
import type { InstallOutcome } from '../../engine/native/install.ts';
import { EngineError } from '../../engine/process/client.ts';
import { spawnEngine, type EngineProcess } from '../../engine/process/engineProcess.ts';
import type { RunReporter } from '../runInProgress.ts';
import { BINDING_VARIABLE, type LoadReport, type SetupMessage, type TryAnswer } from './setupMessages.ts';

const SETUP = fileURLToPath(new URL('./setupProcess.ts', import.meta.url));
const LOAD = fileURLToPath(new URL('./loadProcess.ts', import.meta.url));

/**
 * Sets up native TensorFlow as `npm run setup:tensorflow` does, its lines as notices, in processes of the kind that the host starts engines
 * in.
 * @returns what it came to
 * @throws EngineError with the reason and what to do where the machine lacks something, AbortError when the signal says so
 */
export async function installEngine(
  reporter: RunReporter,
  signal: AbortSignal,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  signal.throwIfAborted();
  reporter.began({ title: 'Native TensorFlow', reused: false });
  const child = spawnEngine(SETUP, environment);
  const stop = (): void => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const outcome = await outcomeOf(child, { notice: (line) => reporter.notice(line), environment });
    if (outcome.status !== 'ready') throw new EngineError(`${outcome.reason} ${outcome.cure}`);
    const { version, variant } = outcome.marker;
    return `Native TensorFlow ${version} (${variant}) is ready${outcome.fresh ? '' : ', already set up'}.`;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function outcomeOf(
  child: EngineProcess,
  { notice, environment }: { readonly notice: (line: string) => void; readonly environment: NodeJS.ProcessEnv },
): Promise<InstallOutcome> {
  return new Promise((resolve, reject) => {
    child.onMessage((raw) => {
      const message = raw as SetupMessage;
      if (message.kind === 'line') notice(message.line);
      else if (message.kind === 'outcome') resolve(message.outcome);
      else void tryToLoad(message.binding, environment).then((problem) => child.send({ problem } satisfies TryAnswer));
    });
    child.onceError(reject);
    // After an outcome this settles nothing.
    child.onceExit((code, killedBy) =>
      reject(new EngineError(`setting up native TensorFlow ${ending(code, killedBy)}`)),
    );
  });
}

/** @returns what went wrong; null where the addon loads */
export function tryToLoad(binding: string, environment: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawnEngine(LOAD, { TF_CPP_MIN_LOG_LEVEL: '3', ...environment, [BINDING_VARIABLE]: binding });
    child.onceMessage((report) => {
      const { version, problem } = report as LoadReport;
      resolve(problem ?? (version?.startsWith('2.') === true ? null : `it holds TensorFlow ${String(version)}`));
    });
    child.onceError((error) => resolve(error.message));
    child.onceExit((code, killedBy) => resolve(ending(code, killedBy)));
  });
}

const ending = (code: number | null, killedBy: string | null): string =>
  killedBy === null ? `ended with code ${String(code)}` : `was ended by ${killedBy}`;
