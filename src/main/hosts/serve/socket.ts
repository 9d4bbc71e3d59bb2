import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { requestSchema, type Reply } from '../../../shared/api/envelope.ts';
import { decode, encode } from '../../../shared/api/wire.ts';
import type { WorkbenchApi } from '../../workbench/api/workbenchApi.ts';
import { refusalOf, type Served } from './routes.ts';

export const SOCKET_PATH = '/api';
/** A config is some kilobytes; nothing that a page asks is near this. */
const MOST_BYTES = 4 * 1024 * 1024;
/** A page that stopped reading is cut off rather than buffered for. */
const MOST_UNSENT_BYTES = 256 * 1024 * 1024;

/** The API over WebSockets: a request a message, answered by its id; events as they happen. */
export interface Sockets {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

export function openSockets(workbench: WorkbenchApi, served: Served): Sockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: MOST_BYTES, perMessageDeflate: false });
  return {
    upgrade(request, socket, head) {
      const status = statusOf(request, served);
      if (status !== 101) {
        socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => attach(client, workbench));
    },
    close() {
      for (const client of server.clients) client.close(1001, 'the workbench ends');
      server.close();
    },
  };
}

/** 101 where the socket may be opened. A browser always says where a WebSocket comes from, so one without Origin is none. */
function statusOf(request: IncomingMessage, served: Served): number {
  const refusal = refusalOf(request, served);
  if (refusal !== null) return refusal.status;
  if (request.headers.origin === undefined) return 403;
  if (URL.parse(request.url ?? '', 'http://server')?.pathname !== SOCKET_PATH) return 404;
  return served.session.hasCookie(request.headers.cookie) ? 101 : 401;
}

function attach(client: WebSocket, workbench: WorkbenchApi): void {
  const send = (message: unknown): void => {
    if (client.readyState !== client.OPEN) return;
    if (client.bufferedAmount > MOST_UNSENT_BYTES) client.terminate();
    else client.send(encode(message));
  };
  const unsubscribe = workbench.subscribe((event) => send({ event }));
  client.on('close', unsubscribe);
  // A broken connection ends in close as well.
  client.on('error', () => client.terminate());
  client.on('message', (data, isBinary) => {
    const request = isBinary ? null : requestIn(data);
    // What is no request has no id to be answered by.
    if (request === null) client.close(1008, 'expected a request: { id, call, input }');
    else void workbench.answer(request).then((reply) => send(sendable(reply)));
  });
}

function requestIn(data: RawData) {
  try {
    const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
    const parsed = requestSchema.safeParse(decode(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** An answer that has no text is answered as our defect rather than not at all. */
function sendable(reply: Reply): Reply {
  try {
    encode(reply);
    return reply;
  } catch (error) {
    const message = `internal: the answer cannot be sent: ${error instanceof Error ? error.message : String(error)}`;
    return { id: reply.id, ok: false, error: { code: 'internal', message } };
  }
}
