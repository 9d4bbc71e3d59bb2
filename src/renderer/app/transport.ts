import { replySchema, type Reply, type Request } from '../../shared/api/envelope.ts';
import { eventSchema, type WorkbenchEvent } from '../../shared/api/events.ts';
import { decode, encode } from '../../shared/api/wire.ts';

/** How questions reach the workbench: Electron's bridge, or the WebSocket of `ptw serve`. */
export interface Transport {
  /** @throws Error when the workbench cannot be reached */
  answer(request: Request): Promise<Reply>;
  onEvent(listener: (event: WorkbenchEvent) => void): void;
  /** True while the workbench is there; told at once and at each change. */
  onConnection(listener: (isConnected: boolean) => void): void;
}

/** What the preload script of the Electron host gives the page. */
export interface Bridge {
  readonly answer: (request: Request) => Promise<Reply>;
  readonly subscribe: (listener: (event: WorkbenchEvent) => void) => () => void;
  /** Actions chosen in the native menu. */
  readonly onAction: (listener: (action: string) => void) => () => void;
}
declare global {
  interface Window {
    readonly workbench?: Bridge;
  }
}

export const openTransport = (): Transport =>
  window.workbench === undefined ? new SocketTransport() : bridgeTransport(window.workbench);

function bridgeTransport(bridge: Bridge): Transport {
  return {
    answer: (request) => bridge.answer(request),
    onEvent: (listener) => void bridge.subscribe(listener),
    onConnection: (listener) => listener(true),
  };
}

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 5000;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** One socket, opened again whenever it closes. Questions asked meanwhile wait for it; those that were under way fail. */
class SocketTransport implements Transport {
  readonly #waiting = new Map<number, Waiting>();
  readonly #unsent: string[] = [];
  readonly #events: ((event: WorkbenchEvent) => void)[] = [];
  readonly #connections: ((isConnected: boolean) => void)[] = [];
  #socket: WebSocket | null = null;
  #retry = FIRST_RETRY_MS;
  #isOpen = false;

  constructor() {
    this.#connect();
  }

  answer(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      const text = encode(request);
      if (this.#isOpen) this.#socket?.send(text);
      else this.#unsent.push(text);
    });
  }

  onEvent(listener: (event: WorkbenchEvent) => void): void {
    this.#events.push(listener);
  }

  onConnection(listener: (isConnected: boolean) => void): void {
    this.#connections.push(listener);
    listener(this.#isOpen);
  }

  #connect(): void {
    const socket = new WebSocket(`ws://${location.host}/api`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#retry = FIRST_RETRY_MS;
      this.#isOpen = true;
      for (const text of this.#unsent.splice(0)) socket.send(text);
      for (const listener of this.#connections) listener(true);
    };
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = () => {
      const wasOpen = this.#isOpen;
      this.#isOpen = false;
      if (wasOpen) this.#failSent();
      for (const listener of this.#connections) listener(false);
      setTimeout(() => this.#connect(), this.#retry);
      this.#retry = Math.min(LONGEST_RETRY_MS, this.#retry * 2);
    };
  }

  #receive(text: string): void {
    const message = decode(text);
    if (typeof message === 'object' && message !== null && 'event' in message) {
      const event = eventSchema.parse(message.event);
      for (const listener of this.#events) listener(event);
      return;
    }
    const reply = replySchema.parse(message);
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    waiting?.resolve(reply);
  }

  /** Nobody knows whether they were done: the view asks again. */
  #failSent(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('the connection to the workbench was lost'));
    this.#waiting.clear();
  }
}
