// Entry point of the engine in Electron's utility process: gives ./main.ts the messages that a child of Node has.

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

Object.assign(process, { send });
Object.defineProperty(process, 'connected', { value: true });
port.on('message', ({ data }) => emitter.emit('message', data));
await import('./main.ts');
