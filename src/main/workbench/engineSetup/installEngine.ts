import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../../engine/process/client.ts';
import type { RunReporter } from '../runInProgress.ts';

const SETUP = fileURLToPath(new URL('../../../../scripts/setup-tensorflow.ts', import.meta.url));

/**
 * Sets up native TensorFlow as `npm run setup:tensorflow` does, its lines as notices.
 * @returns everything that it said
 * @throws EngineError when it fails, AbortError when the signal says so
 */
export function installEngine(reporter: RunReporter, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    reporter.began({ title: 'Native TensorFlow', reused: false });
    const child = spawn(process.execPath, [SETUP], { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      const line = chunk.toString().trim().split('\n').at(-1);
      if (line !== undefined && line !== '') reporter.notice(line);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else
        reject(
          new EngineError(
            `setting up native TensorFlow ended with code ${String(code)}: ${output.trim().slice(-2000)}`,
          ),
        );
    });
  });
}
