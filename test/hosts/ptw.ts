import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const PTW = fileURLToPath(new URL('../../bin/ptw.mjs', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line to its end. @param home folder of its database */
export function ptw(args: readonly string[], home: string): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, PTW_HOME: home };
    execFile(process.execPath, [PTW, ...args], { env, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

/** Starts the command line and waits for a line on standard error. */
export async function ptwUntil(
  line: RegExp,
  args: readonly string[],
  home: string,
): Promise<{ child: ChildProcess; said: () => string }> {
  const env = { ...process.env, PTW_HOME: home };
  const child = spawn(process.execPath, [PTW, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (line.test(said)) resolve();
    });
    child.on('exit', () => reject(new Error(`ended before it said ${String(line)}: ${said}`)));
  });
  return { child, said: () => said };
}
