import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface Child {
  readonly process: ChildProcess;
  /** The next line of its standard output; null at its end. */
  line(): Promise<string | null>;
  /** Settled when it is over. */
  readonly over: Promise<void>;
}

/** Starts one of ./processes. */
export function start(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'processes', name), ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const over = once(child, 'exit').then(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    over,
    async line() {
      const next = await lines.next();
      return next.done === true ? null : next.value;
    },
  };
}
