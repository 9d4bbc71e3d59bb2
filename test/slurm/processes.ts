import { spawn, type ChildProcess } from 'node:child_process';
import { PTW } from '../hosts/ptw.ts';

/** The command line while it runs. */
export interface Started {
  readonly child: ChildProcess;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  /** Both outputs so far. */
  readonly said: () => string;
}

export function startPtw(args: readonly string[], environment: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, [PTW, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, ended, said: () => said };
}
