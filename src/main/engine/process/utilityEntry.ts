// Entry point of Electron's utility process: gives the module that is named last the messages that a child of Node has.
import { pathToFileURL } from 'node:url';

interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
  postMessage(message: unknown): void;
}

const port = (process as unknown as { readonly parentPort: ParentPort }).parentPort;
const emitter: NodeJS.EventEmitter = process;

function send(message: unknown, ...rest: readonly unknown[]): boolean {
  port.postMessage(message);
  const delivered = rest.at(-1);
  if (typeof delivered === 'function') (delivered as (error: null) => void)(null);
  return true;
}

// Without its channel a child of Node ends by itself; this one is told to.
Object.assign(process, { send, disconnect: () => setTimeout(() => process.exit(0), 100) });
Object.defineProperty(process, 'connected', { value: true });
port.on('message', ({ data }) => emitter.emit('message', data));
await import(pathToFileURL(process.argv.at(-1)!).href);
