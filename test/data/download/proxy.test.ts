import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AddressFault } from '../../../src/main/data/download/downloadError.ts';
import { httpGet } from '../../../src/main/data/download/httpGet.ts';
import { serve, startServer, type MischievousServer } from './mischievousServer.ts';

const CONTENT = Buffer.from('through the proxy');

let server: MischievousServer;
/** What the proxy was asked for. */
let asked: string[];
let proxy: string;
let closeProxy: () => void;

beforeEach(async () => {
  server = await startServer();
  asked = [];
  const listening = createServer((request, response) => {
    asked.push(request.url!);
    response.writeHead(200).end(CONTENT);
  });
  listening.on('connect', (request: IncomingMessage, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  proxy = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  closeProxy = () => {
    listening.closeAllConnections();
    listening.close();
  };
});
afterEach(async () => {
  closeProxy();
  await server.close();
});

async function bodyAt(address: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const signal = new AbortController().signal;
  const { chunks } = await httpGet(address, { headers: {}, signal, stallMs: 5_000, environment });
  let body = '';
  for await (const chunk of chunks()) body += Buffer.from(chunk).toString();
  return body;
}

it('goes through HTTP_PROXY', async () => {
  const address = 'http://host.invalid/file.bin';
  expect(await bodyAt(address, { HTTP_PROXY: proxy })).toBe('through the proxy');
  expect(asked).toEqual([address]);
});

it('goes past it for hosts of NO_PROXY', async () => {
  const address = server.does('/file.bin', serve(Buffer.from('direct')));
  expect(await bodyAt(address, { HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' })).toBe('direct');
  expect(asked).toEqual([]);
});

it('asks HTTPS_PROXY for a tunnel, and says what it answers', async () => {
  const fault = await bodyAt('https://host.invalid/file.bin', { HTTPS_PROXY: proxy }).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(AddressFault);
  expect((fault as AddressFault).kind).toBe('unreachable');
  expect((fault as AddressFault).message).toContain('407');
  expect(asked).toEqual(['CONNECT host.invalid:443']);
});
