import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DistributionFile } from '../../../src/main/data/distributions.ts';

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface MischievousServer {
  readonly origin: string;
  /** What each path does, in turn; the last goes on. */
  readonly does: (path: string, ...behaviours: Behaviour[]) => string;
  /** Requests so far: path, Range and If-Range. */
  readonly asked: { path: string; range: string | undefined; ifRange: string | undefined }[];
  readonly close: () => Promise<void>;
}

export async function startServer(): Promise<MischievousServer> {
  const behaviours = new Map<string, Behaviour[]>();
  const asked: MischievousServer['asked'] = [];
  const server = createServer((request, response) => {
    const path = request.url!;
    asked.push({ path, range: request.headers.range, ifRange: request.headers['if-range'] as string | undefined });
    const turn = behaviours.get(path) ?? [status(404)];
    (turn.length > 1 ? turn.shift()! : turn[0])(request, response);
  });
  // As a proxy it has no tunnels.
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    does: (path, ...turn) => {
      behaviours.set(path, turn);
      return `${origin}${path}`;
    },
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** An address at which nothing listens. */
export async function deadAddress(): Promise<string> {
  const { origin, close } = await startServer();
  await close();
  return `${origin}/file.bin`;
}

export function distribution(content: Uint8Array, addresses: DistributionFile['addresses']): DistributionFile {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name: 'file.bin', bytes: content.length, sha256, contentsSha256: null, addresses };
}

/** Bytes that no part of repeats another. */
export function contentOf(bytes: number, seed = 1): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

export const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  (_request, response) => {
    response.writeHead(code, headers).end('no');
  };

export interface Serving {
  readonly etag?: string;
  /** Closes the connection after so many bytes of the body. */
  readonly breakAfter?: number;
  /** Says nothing of the size. */
  readonly chunked?: boolean;
}

/** A good server, with ranges and If-Range, but for what `serving` asks. */
export const serve =
  (content: Uint8Array, { etag, breakAfter, chunked = false }: Serving = {}): Behaviour =>
  (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const ifRange = request.headers['if-range'];
    const from = range !== null && (ifRange === undefined || ifRange === etag) ? Number(range[1]) : 0;
    const body = content.subarray(from);
    const headers: Record<string, string> = etag === undefined ? {} : { etag };
    if (!chunked) headers['content-length'] = String(body.length);
    if (from > 0) headers['content-range'] = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(from > 0 ? 206 : 200, headers);
    if (breakAfter === undefined) response.end(body);
    else {
      response.write(body.subarray(0, breakAfter));
      // What a client has not read when the connection breaks is lost to it, so it gets the time to.
      setTimeout(() => response.socket?.destroySoon(), 20);
    }
  };

/** A server that knows no ranges. */
export const serveWhole =
  (content: Uint8Array, options: Serving = {}): Behaviour =>
  (request, response) => {
    delete request.headers.range;
    serve(content, options)(request, response);
  };
