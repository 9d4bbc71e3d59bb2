import { fork } from 'node:child_process';
import path from 'node:path';

/**
 * What a program of this folder sends, with typed arrays as they are. A process of its own, because the tfjs engine is
 * one per process and a dynamic library's path is read as a process starts.
 * @throws with what it wrote to standard error, when it ends without sending
 */
export function resultOf<T>(program: string, backend: string, env: Readonly<Record<string, string>> = {}): Promise<T> {
  const child = fork(path.join(import.meta.dirname, program), [backend], {
    env: { ...process.env, PTW_BACKEND: backend, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout!.resume();
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(new Error(`${program} on ${backend} ended by ${signal ?? `code ${code}`}:\n${said}`));
    });
  });
}
