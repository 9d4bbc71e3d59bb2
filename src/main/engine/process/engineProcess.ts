import { fork } from 'node:child_process';

/** A process that runs an entry point of ours, whatever started it: a child of Node, or Electron's utility process. */
export interface EngineProcess {
  readonly pid: number | undefined;
  readonly isOver: boolean;
  /** @throws when the message cannot be serialised; one that cannot be delivered is dropped, since the process is then gone */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onceMessage(listener: (message: unknown) => void): void;
  onceError(listener: (error: Error) => void): void;
  onceExit(listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  /** Asks it to end: without its host the engine does. */
  disconnect(): void;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}
/** @param entry path of the module that the process runs */
export type EngineSpawner = (entry: string, environment: NodeJS.ProcessEnv) => EngineProcess;

let spawner: EngineSpawner = spawnChild;

/** What starts engines, and what looks at backends, from now on; for hosts whose processes are others than Node's children. */
export function useEngineSpawner(other: EngineSpawner): void {
  spawner = other;
}

export const spawnEngine: EngineSpawner = (entry, environment) => spawner(entry, environment);

function spawnChild(entry: string, environment: NodeJS.ProcessEnv): EngineProcess {
  const child = fork(entry, [], {
    serialization: 'advanced',
    env: environment,
    // Detached from the terminal's process group, so that Ctrl-C reaches the host alone, which then stops in order.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    get pid() {
      return child.pid;
    },
    get isOver() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    send: (message) => {
      if (child.connected) child.send(message as object, () => undefined);
    },
    onMessage: (listener) => void child.on('message', listener),
    onceMessage: (listener) => void child.once('message', listener),
    onceError: (listener) => void child.once('error', listener),
    onceExit: (listener) => void child.once('exit', listener),
    disconnect: () => {
      if (child.connected) child.disconnect();
    },
    kill: (signal) => void child.kill(signal),
  };
}
