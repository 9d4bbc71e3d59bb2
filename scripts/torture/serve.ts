// Everybody who may not speak to `serve`: other hosts and origins on every route and on the WebSocket, guessed tokens and cookies, and
// paths that lead out of the pages. Must hold: all refused, guesses read no faster than twenty a minute, and who has the cookie is served.
//
//     node scripts/torture/serve.ts [--seed n] [--count guesses]
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { serve, type Server } from '../../src/main/hosts/serve/serve.ts';
import { Choices, runAlone, tally, type Attack, type AttackResult } from './attackAlone.ts';
import { TRAVERSALS, VARIANTS } from './hostileRequests.ts';
import { temporaryFolder } from './tinyRun.ts';

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
  readonly counts: Record<string, number>;
  readonly failures: string[];
}

export const attack: Attack = async ({ seed, count, report }): Promise<AttackResult> => {
  const server = await serve({ folder: temporaryFolder(), port: 0, pages: pagesWithLinks() });
  const failures: string[] = [];
  const unhandled = (error: unknown): void => void failures.push(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled);
  try {
    const attacked: Attacked = { server, cookie: await openedCookie(server), counts: {}, failures };
    await hostsAndOrigins(attacked);
    report(
      `${VARIANTS.length} hosts and origins × ${ROUTES.length} routes × ${METHODS.length} methods, and the WebSocket`,
    );
    await traversals(attacked);
    report(`${TRAVERSALS.length} paths`);
    await guesses(attacked, new Choices(seed, 'serve'), count);
    report(`${count} guesses`);
    await honest(attacked, 'afterwards');
    return { counts: attacked.counts, failures };
  } finally {
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled);
    await server.close();
  }
};

/** Pages with symbolic links out of their folder, as a package might bring them. */
function pagesWithLinks(): string {
  const around = temporaryFolder();
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
async function honest({ server: { port }, cookie, counts, failures }: Attacked, when: string): Promise<void> {
  const lines = [`Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`];
  const page = await ask(port, 'GET / HTTP/1.1', lines);
  if (page.status !== 200 || !page.text.includes(PAGE))
    failures.push(`${when} the honest page is answered ${page.status}`);
  const socket = await ask(port, 'GET /api HTTP/1.1', [...lines, `Origin: http://127.0.0.1:${port}`], true);
  if (socket.status !== 101) failures.push(`${when} the honest WebSocket is answered ${socket.status}`);
  tally(counts, 'honest: served');
  tally(counts, 'honest: served');
}

async function hostsAndOrigins(attacked: Attacked): Promise<void> {
  const { server, cookie, counts, failures } = attacked;
  const { port } = server;
  await honest(attacked, 'before');
  const with_ = [`Cookie: ${cookie}`];
  for (const { what, lines } of VARIANTS) {
    for (const route of ROUTES) {
      for (const method of METHODS) {
        const { status, text } = await ask(port, `${method} ${route} HTTP/1.1`, [...lines(port), ...with_]);
        tally(counts, `host or origin: ${status}`);
        if (status !== 403 && status !== 400) failures.push(`${what}: ${method} ${route} is answered ${status}`);
        if (text.includes(PAGE) || text.includes('set-cookie'))
          failures.push(`${what}: ${method} ${route} gives something away`);
      }
    }
    for (const at of ['/api', '/', '/api/../api']) {
      const { status } = await ask(port, `GET ${at} HTTP/1.1`, [...lines(port), ...with_], true);
      tally(counts, `host or origin, WebSocket: ${status}`);
      if (status !== 403 && status !== 400) failures.push(`${what}: the WebSocket at ${at} is answered ${status}`);
    }
  }
}

async function traversals({ server: { port }, cookie, counts, failures }: Attacked): Promise<void> {
  const lines = [`Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`];
  for (const target of TRAVERSALS) {
    const { status, text } = await ask(port, `GET ${target} HTTP/1.1`, lines);
    const isApp = status === 200 && text.includes(PAGE);
    tally(counts, `path: ${isApp ? 'the page itself' : status}`);
    // An address without an extension is a view of the application, which is its page.
    if (!isApp && ![400, 404].includes(status)) failures.push(`${JSON.stringify(target)} is answered ${status}`);
    if (text.includes(SECRET) || text.includes('root:')) failures.push(`${JSON.stringify(target)} was read`);
  }
}

async function guesses({ server, cookie, counts, failures }: Attacked, choices: Choices, count: number): Promise<void> {
  const { port } = server;
  const token = new URL(server.newLink()).searchParams.get('token')!;
  const lines = [`Host: 127.0.0.1:${port}`];
  const began = performance.now();
  let read = 0;
  for (let i = 0; i < count; i++) {
    const guess = guessOf(token, choices);
    if (guess === token) continue;
    const { status } = await ask(port, `GET /open?token=${encodeURIComponent(guess)} HTTP/1.1`, lines);
    tally(counts, `token: ${status}`);
    if (status === 401) read++;
    else if (status !== 429) failures.push(`the token ${JSON.stringify(guess.slice(0, 60))} is answered ${status}`);
  }
  const minutes = Math.ceil((performance.now() - began) / 60_000);
  if (read > 20 * minutes)
    failures.push(`${read} tokens were read in ${minutes} minutes, expected at most 20 a minute`);
  const value = cookie.slice(cookie.indexOf('=') + 1);
  for (let i = 0; i < Math.ceil(count / 10); i++) {
    const guess = guessOf(value, choices);
    if (guess === value) continue;
    const header = `Cookie: ptw-session=${guess.replaceAll(/[\r\n]/g, '')}`;
    const { status } = await ask(port, 'GET / HTTP/1.1', [...lines, header]);
    tally(counts, `cookie: ${status}`);
    if (status !== 401 && status !== 400) failures.push(`a guessed cookie is answered ${status}`);
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

await runAlone(import.meta.url, attack, 10_000);
