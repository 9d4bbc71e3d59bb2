import { mkdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { serve, type Server } from '../../../src/main/hosts/serve/serve.ts';
import { decode, encode } from '../../../src/shared/api/wire.ts';
import { emptyFolder } from '../../workbench/tinyExperiment.ts';

let server: Server;
let cookie: string;
const pages = emptyFolder();

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Over the plain client, which sends whatever headers and path it is given. */
function get(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port: server.port, path: target, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject).end();
  });
}

const own = (): string => `127.0.0.1:${server.port}`;
const pathOf = (link: string): string => link.slice(link.indexOf('/open'));

async function openedCookie(): Promise<string> {
  const { headers } = await get(pathOf(server.newLink()));
  return headers['set-cookie']![0].split(';')[0];
}

beforeAll(async () => {
  mkdirSync(path.join(pages, 'assets'));
  writeFileSync(path.join(pages, 'index.html'), '<!doctype html><title>Workbench</title>');
  writeFileSync(path.join(pages, 'assets', 'main.js'), 'void 0;'.repeat(500));
  writeFileSync(path.join(pages, '..', 'outside.html'), 'secret');
  server = await serve({ folder: emptyFolder(), port: 0, pages });
  cookie = await openedCookie();
});
afterAll(() => server.close());

describe('serve refuses', () => {
  it('where the pages are not built, saying how', async () => {
    await expect(serve({ folder: emptyFolder(), port: 0, pages: emptyFolder() })).rejects.toThrow('npm run build');
  });

  it('a port that is taken, saying which and what to do', async () => {
    await expect(serve({ folder: emptyFolder(), port: server.port, pages })).rejects.toThrow(
      `port ${server.port} is taken, perhaps by another ptw serve; choose one with --port`,
    );
  });

  it.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example:1',
    '127.0.0.1@evil.example',
    '0.0.0.0',
    '127.0.0.2',
    '[::2]:80',
    'localhost:99999999',
    '@',
  ])('the host "%s" on every route', async (host) => {
    for (const route of ['/', '/open?token=x', '/assets/main.js', '/api']) {
      expect((await get(route, { host, cookie })).status).toBe(403);
    }
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://localhost:1', 'http://127.0.0.1:1'])(
    'the origin %s',
    async (origin) => {
      expect((await get('/', { origin, cookie })).status).toBe(403);
      expect(await socketOutcome({ origin, cookie })).toBe(403);
    },
  );

  it.each(['cross-site', 'same-site'])('a request that the browser calls %s', async (site) => {
    expect((await get('/', { 'sec-fetch-site': site, cookie })).status).toBe(403);
  });

  it('everybody without the cookie, and says how to get it', async () => {
    for (const wrong of ['', 'ptw-session=', `ptw-session=${'A'.repeat(43)}`, `x${cookie}`, cookie.slice(0, -1)]) {
      const { status, body } = await get('/', wrong === '' ? {} : { cookie: wrong });
      expect(status).toBe(401);
      expect(body).toContain('the link that ptw serve printed');
      expect(await socketOutcome({ origin: `http://${own()}`, ...(wrong === '' ? {} : { cookie: wrong }) })).toBe(401);
    }
  });

  it('a WebSocket without an origin, or at another path', async () => {
    expect(await socketOutcome({ cookie })).toBe(403);
    expect(await socketOutcome({ origin: `http://${own()}`, cookie }, '/other')).toBe(404);
  });

  it.each([
    '/../outside.html',
    '/assets/../../outside.html',
    '/%2e%2e/outside.html',
    '/..%2foutside.html',
    '/..%5coutside.html',
    '/assets/..\\..\\outside.html',
    '//etc/passwd.html',
    '/C:/outside.html',
    '/assets/main.js%00.html',
    '/assets/nothing.js',
  ])('%s, which is no file of the pages', async (target) => {
    const { status, body } = await get(target, { cookie });
    expect(status).toBe(404);
    expect(body).not.toContain('secret');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s', async (method) => {
    expect((await get('/', { cookie }, method)).status).toBe(405);
  });
});

describe('serve', () => {
  it('answers with pages, packed where the browser can, and never without a policy', async () => {
    const plain = await get('/assets/main.js', { cookie });
    expect(plain.body).toBe('void 0;'.repeat(500));
    expect(plain.headers['cache-control']).toContain('immutable');
    expect(plain.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    const packed = await get('/assets/main.js', { cookie, 'accept-encoding': 'gzip, br;q=0.9' });
    expect(packed.headers['content-encoding']).toBe('br');
    expect(Number(packed.headers['content-length'])).toBeLessThan(200);
    const again = await get('/', { cookie, 'if-none-match': (await get('/', { cookie })).headers.etag! });
    expect(again.status).toBe(304);
    expect((await get('/runs/7', { cookie })).body).toContain('<title>Workbench</title>');
  });

  it('opens a link once, for a cookie that scripts and other sites do not get', async () => {
    const link = pathOf(server.newLink());
    const opened = await get(link);
    expect(opened).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(opened.headers['set-cookie']).toEqual([
      expect.stringMatching(/^ptw-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect((await get(link)).status).toBe(401);
  });

  it('reads twenty wrong tokens a minute and no more, and goes on serving who has the cookie', async () => {
    const second = await serve({ folder: emptyFolder(), port: 0, pages });
    const first = server;
    server = second;
    try {
      const has = await openedCookie();
      const codes = new Map<number, number>();
      for (let i = 0; i < 200; i++) {
        const { status } = await get(`/open?token=${i}`);
        codes.set(status, (codes.get(status) ?? 0) + 1);
      }
      expect([...codes]).toEqual([
        [401, 20],
        [429, 180],
      ]);
      expect((await get('/', { cookie: has })).status).toBe(200);
    } finally {
      server = first;
      await second.close();
    }
  });

  it('is reached by another port too, as through a tunnel', async () => {
    expect((await get('/', { host: 'localhost:9000', cookie })).status).toBe(200);
  });

  it('answers calls and passes events on over the WebSocket', async () => {
    const client = await socket();
    const answered = nextMessage(client);
    client.send(encode({ id: 3, call: 'tasks.cancel', input: { task: 'none' } }));
    expect(await answered).toEqual({ id: 3, ok: true, output: {} });
    client.close();
  });

  it.each(['{', '[]', '{"id":-1,"call":"x"}', '{"id":1}', '{"id":1,"call":"x","input":{},"also":1}', 'null'])(
    'closes a WebSocket that says %s',
    async (text) => {
      const client = await socket();
      const closed = new Promise((resolve) => client.on('close', resolve));
      client.send(text);
      expect(await closed).toBe(1008);
    },
  );
});

/** 101 where it opens. */
function socketOutcome(headers: Record<string, string>, at = '/api'): Promise<number> {
  return new Promise((resolve) => {
    const client = new WebSocket(`ws://${own()}${at}`, { headers });
    client.on('open', () => {
      client.close();
      resolve(101);
    });
    client.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
    client.on('error', () => undefined);
  });
}

async function socket(): Promise<WebSocket> {
  const client = new WebSocket(`ws://${own()}/api`, { headers: { origin: `http://${own()}`, cookie } });
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  return client;
}

const nextMessage = (client: WebSocket): Promise<unknown> =>
  new Promise((resolve) => client.once('message', (data) => resolve(decode((data as Buffer).toString()))));
