import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '../src/main/engine/native/cache.ts';
import { runCommand } from '../src/main/engine/native/command.ts';
import { findPython, type PythonTools } from '../src/main/engine/native/pip.ts';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));

export interface PythonRun {
  readonly status: number;
  readonly output: string;
}

/** Runs Python with the packages of test/requirements.txt. */
export type Python = (args: readonly string[]) => Promise<PythonRun>;

/**
 * A Python with the packages of test/requirements.txt, which pip puts into the user's cache once. Null, said loudly, where there
 * is no Python with pip or pip cannot fetch them: what needs it is then skipped.
 */
export async function pythonWithPackages(): Promise<Python | null> {
  try {
    const tools = await findPython(process.env);
    const packages = await installed(tools);
    const [program, ...before] = tools.python;
    const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' };
    return (args) =>
      new Promise((resolve) => {
        execFile(program, [...before, ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
          const status = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
          resolve({ status, output: stdout + stderr });
        });
      });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\n*** SKIPPED: exported files are not read in Python. ${reason} ***\n\n`);
    return null;
  }
}

/** The folder of the packages. Files that run at the same time may each install; the first one's is kept. */
async function installed({ pip, python }: PythonTools): Promise<string> {
  const version = await runCommand(python, ['-c', 'import sys; print(sys.version, sys.platform)'], process.env);
  const hash = createHash('sha256').update(version.output).update(readFileSync(REQUIREMENTS)).digest('hex');
  const folder = path.join(cacheRoot(), `test-python-${hash.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheRoot(), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    const options = ['--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
    const target = ['--target', unfinished, '--requirement', REQUIREMENTS];
    const result = await runCommand(pip, ['install', ...options, ...target], process.env);
    if (result.status !== 0) throw new Error(`pip could not install ${REQUIREMENTS}: ${result.output.slice(-500)}`);
    if (!existsSync(folder)) renameSync(unfinished, folder);
    return folder;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
