// Everybody who may not speak to `serve`: other hosts and origins on every route and on the WebSocket, guessed tokens and cookies, and
// paths that lead out of the pages. Must hold: all refused, guesses read no faster than twenty a minute, and who has the cookie is served.
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { serve as startServer, type Server } from '../../src/main/hosts/serve/serve.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Choices } from '../choices.ts';
import { TRAVERSALS, VARIANTS } from '../hostileRequests.ts';
import { nothingUnhandled } from '../unhandled.ts';

const SECRET = 'what no request may read';
const PAGE = '<!doctype html><title>Workbench</title>';
const ROUTES = [
  '/',
  '/index.html',
  '/open',
  '/open?token=x',
  '/assets/main.js',
  '/runs/7',
  '/nothing.js',
  '/api',
  '/favicon.ico',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

interface Attacked {
  readonly server: Server;
  readonly cookie: string;
  readonly tally: Tally;
}

export const serve: Attack = {
  name: 'serve',
  title: 'foreign hosts and origins, guessed tokens and paths that lead out are refused',
  count: 10_000,
  async run({ seed, count, say }, tally) {
    const server = await startServer({ folder: emptyFolder(), port: 0, pages: pagesWithLinks() });
    try {
      await nothingUnhandled(tally, async () => {
        const attacked: Attacked = { server, cookie: await openedCookie(server), tally };
        await hostsAndOrigins(attacked);
        say(
          `${VARIANTS.length} hosts and origins × ${ROUTES.length} routes × ${METHODS.length} methods, and the WebSocket`,
        );
        await traversals(attacked);
        say(`${TRAVERSALS.length} paths`);
        await guesses(attacked, new Choices(seed, 'serve'), count);
        say(`${count} guesses`);
        await honest(attacked, 'afterwards');
      });
    } finally {
      await server.close();
    }
  },
};

/** Pages with symbolic links out of their folder, as a package might bring them. */
function pagesWithLinks(): string {
  const around = emptyFolder();
  const pages = path.join(around, 'pages');
  mkdirSync(path.join(pages, 'assets'), { recursive: true });
  writeFileSync(path.join(pages, 'index.html'), PAGE);
  writeFileSync(path.join(pages, 'assets', 'main.js'), 'void 0;');
  for (const name of ['outside.html', 'secret.json']) writeFileSync(path.join(around, name), SECRET);
  for (const folder of [pages, path.join(pages, 'assets')]) {
    symlinkSync(path.join(around, 'outside.html'), path.join(folder, 'linked.html'));
    symlinkSync(around, path.join(folder, 'linked'));
  }
  return pages;
}

interface Answer {
  /** 0 where the connection was closed without one. */
  readonly status: number;
  readonly text: string;
}

/** Sends a head as it is: clients would put it right. */
function ask(port: number, start: string, lines: readonly string[], isUpgrade = false): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const done = (): void => {
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    socket.setTimeout(10_000, done);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      // An opened WebSocket is never closed by the other side.
      if (isUpgrade && text.includes('\r\n\r\n')) done();
    });
    socket.on('close', done).on('error', done);
    const closing = isUpgrade ? UPGRADE : ['Connection: close'];
    socket.write(`${[start, ...lines, ...closing].join('\r\n')}\r\n\r\n`);
  });
}

async function openedCookie(server: Server): Promise<string> {
  const response = await fetch(server.newLink(), { redirect: 'manual' });
  return response.headers.get('set-cookie')!.split(';')[0];
}

/** The checks could fail: whoever asks rightly is answered. */
async function honest({ server: { port }, cookie, tally }: Attacked, when: string): Promise<void> {
  const lines = [`Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`];
  const page = await ask(port, 'GET / HTTP/1.1', lines);
  if (page.status !== 200 || !page.text.includes(PAGE))
    tally.violation(`${when} the honest page is answered ${page.status}`);
  const socket = await ask(port, 'GET /api HTTP/1.1', [...lines, `Origin: http://127.0.0.1:${port}`], true);
  if (socket.status !== 101) tally.violation(`${when} the honest WebSocket is answered ${socket.status}`);
  tally.add('honest: served');
  tally.add('honest: served');
}

async function hostsAndOrigins(attacked: Attacked): Promise<void> {
  const { server, cookie, tally } = attacked;
  const { port } = server;
  await honest(attacked, 'before');
  const with_ = [`Cookie: ${cookie}`];
  for (const { what, lines } of VARIANTS) {
    for (const route of ROUTES) {
      for (const method of METHODS) {
        const { status, text } = await ask(port, `${method} ${route} HTTP/1.1`, [...lines(port), ...with_]);
        tally.add(`host or origin: ${status}`);
        if (status !== 403 && status !== 400) tally.violation(`${what}: ${method} ${route} is answered ${status}`);
        if (text.includes(PAGE) || text.includes('set-cookie'))
          tally.violation(`${what}: ${method} ${route} gives something away`);
      }
    }
    for (const at of ['/api', '/', '/api/../api']) {
      const { status } = await ask(port, `GET ${at} HTTP/1.1`, [...lines(port), ...with_], true);
      tally.add(`host or origin, WebSocket: ${status}`);
      if (status !== 403 && status !== 400) tally.violation(`${what}: the WebSocket at ${at} is answered ${status}`);
    }
  }
}

async function traversals({ server: { port }, cookie, tally }: Attacked): Promise<void> {
  const lines = [`Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`];
  for (const target of TRAVERSALS) {
    const { status, text } = await ask(port, `GET ${target} HTTP/1.1`, lines);
    const isApp = status === 200 && text.includes(PAGE);
    tally.add(`path: ${isApp ? 'the page itself' : status}`);
    // An address without an extension is a view of the application, which is its page.
    if (!isApp && ![400, 404].includes(status)) tally.violation(`${JSON.stringify(target)} is answered ${status}`);
    if (text.includes(SECRET) || text.includes('root:')) tally.violation(`${JSON.stringify(target)} was read`);
  }
}

async function guesses({ server, cookie, tally }: Attacked, choices: Choices, count: number): Promise<void> {
  const { port } = server;
  const token = new URL(server.newLink()).searchParams.get('token')!;
  const lines = [`Host: 127.0.0.1:${port}`];
  const began = performance.now();
  let read = 0;
  for (let i = 0; i < count; i++) {
    const guess = guessOf(token, choices);
    if (guess === token) continue;
    const { status } = await ask(port, `GET /open?token=${encodeURIComponent(guess)} HTTP/1.1`, lines);
    tally.add(`token: ${status}`);
    if (status === 401) read++;
    else if (status !== 429) tally.violation(`the token ${JSON.stringify(guess.slice(0, 60))} is answered ${status}`);
  }
  const minutes = Math.ceil((performance.now() - began) / 60_000);
  if (read > 20 * minutes)
    tally.violation(`${read} tokens were read in ${minutes} minutes, expected at most 20 a minute`);
  const value = cookie.slice(cookie.indexOf('=') + 1);
  for (let i = 0; i < Math.ceil(count / 10); i++) {
    const guess = guessOf(value, choices);
    if (guess === value) continue;
    const header = `Cookie: ptw-session=${guess.replaceAll(/[\r\n]/g, '')}`;
    const { status } = await ask(port, 'GET / HTTP/1.1', [...lines, header]);
    tally.add(`cookie: ${status}`);
    if (status !== 401 && status !== 400) tally.violation(`a guessed cookie is answered ${status}`);
  }
}

/** Random, and as near to the right one as can be. */
function guessOf(right: string, choices: Choices): string {
  const at = choices.below(right.length);
  return choices.of([
    () => randomBytes(32).toString('base64url'),
    () => '',
    () => right.slice(0, at),
    () => `${right}x`,
    () => right.slice(0, at) + choices.of(['A', 'B', '-', '_']) + right.slice(at + 1),
    () => right.toLowerCase(),
    () => right.split('').reverse().join(''),
    () => `${right}\0`,
    () => `${right.slice(0, at)}*`,
    () => 'x'.repeat(4000),
  ])();
}
