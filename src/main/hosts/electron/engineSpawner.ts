import { utilityProcess } from 'electron';
import { fileURLToPath } from 'node:url';
import type { EngineProcess } from '../../workbench/engineSetup/engineProcess.ts';

const ENTRY = fileURLToPath(new URL('../../engine/process/utilityEntry.ts', import.meta.url));

/** The engine in Electron's utility process, which has the interface of a child of Node. */
export function spawnEngineUtility(entry: string, environment: NodeJS.ProcessEnv): EngineProcess {
  const child = utilityProcess.fork(ENTRY, [entry], { serviceName: 'engine', env: environment, stdio: 'inherit' });
  let isOver = false;
  child.once('exit', () => (isOver = true));
  return {
    get pid() {
      return child.pid;
    },
    get isOver() {
      return isOver;
    },
    send: (message) => {
      if (!isOver) child.postMessage(message);
    },
    onMessage: (listener) => void child.on('message', listener),
    onceMessage: (listener) => void child.once('message', listener),
    onceError: () => undefined,
    onceExit: (listener) => void child.once('exit', (code) => listener(code, null)),
    // A utility process is ended by its parent alone, and at once.
    disconnect: () => void child.kill(),
    kill: (signal) => {
      // Its own way is a signal that a process which hangs may not obey.
      if (signal === 'SIGKILL' && child.pid !== undefined) process.kill(child.pid, signal);
      else child.kill();
    },
  };
}
