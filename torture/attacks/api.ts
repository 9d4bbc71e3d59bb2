// Malformed messages over the WebSocket of `serve` and over Electron's message handler, while a finished run lies in the folder.
// Must hold: every request is answered with an error that is no defect, nothing is unhandled, and no byte of the state changes.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WebSocket } from 'ws';
import { CHANNELS } from '../../src/main/hosts/electron/channels.ts';
import { bridge, type Sender } from '../../src/main/hosts/electron/ipcBridge.ts';
import { serve, type Server } from '../../src/main/hosts/serve/serve.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { replySchema } from '../../src/shared/api/envelope.ts';
import { decode, encode } from '../../src/shared/api/wire.ts';
import { emptyFolder, quietHost } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Choices } from '../choices.ts';
import { digestOf } from '../folderDigest.ts';
import { malformed } from '../malformed.ts';
import { fabricateImages, tinyConfig } from '../tinyRun.ts';
import { nothingUnhandled } from '../unhandled.ts';

interface Attacked {
  readonly server: Server;
  readonly choices: Choices;
  readonly tally: Tally;
}

export const api: Attack = {
  name: 'api',
  title: 'malformed messages over the WebSocket and over the bridge change nothing',
  count: 100_000,
  async run({ seed, count, say }, tally) {
    const folder = emptyFolder();
    await startRun(folder, tinyConfig(fabricateImages()), quietHost());
    const server = await serve({ folder, port: 0, pages: onePage() });
    const before = digestOf(folder);
    const unchanged = (under: string): void => {
      if (digestOf(folder) !== before) tally.violation(`the state changed under ${under}`);
    };
    try {
      await nothingUnhandled(tally, async () => {
        const overSocket = Math.ceil(count / 2);
        await attackSocket({ server, choices: new Choices(seed, 'api', 'socket'), tally }, overSocket);
        unchanged('the WebSocket');
        say(`${overSocket} messages over the WebSocket`);
        await attackBridge({ server, choices: new Choices(seed, 'api', 'bridge'), tally }, count - overSocket);
        unchanged('the bridge');
        say(`${count - overSocket} messages over the bridge`);
        // Whoever is well-behaved is answered as before.
        const reply = await server.workbench.answer({ id: 1, call: 'run.get', input: { run: 1 } });
        if (!reply.ok) tally.violation(`afterwards run.get is answered with ${reply.error.message}`);
        const { rss } = process.memoryUsage();
        if (rss > 2 ** 31) tally.violation(`memory grew to ${rss} bytes`);
      });
    } finally {
      await server.close();
    }
  },
};

function onePage(): string {
  const pages = emptyFolder();
  mkdirSync(path.join(pages, 'assets'));
  writeFileSync(path.join(pages, 'index.html'), '<!doctype html>');
  return pages;
}

/** Refusals that say the one who asked is wrong; `internal` would say that we are. */
function judge(reply: unknown, { tally }: Attacked, asked: () => string): void {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success)
    tally.violation(`${asked()} is answered by what is no reply: ${JSON.stringify(reply).slice(0, 200)}`);
  else if (parsed.data.ok) tally.violation(`${asked()} was answered as if it were valid`);
  else {
    tally.add(`answered ${parsed.data.error.code}`);
    if (parsed.data.error.code !== 'bad-input')
      tally.violation(`${asked()} is answered ${JSON.stringify(parsed.data.error)}`);
    if (parsed.data.error.message.length > 20_000)
      tally.violation(`${asked()} is answered at ${parsed.data.error.message.length} letters`);
  }
}

const brief = (message: unknown): string => {
  try {
    return JSON.stringify(message).slice(0, 300);
  } catch {
    return '(no text)';
  }
};

// --- the WebSocket ---------------------------------------------------------------------------------------------------

async function attackSocket(attacked: Attacked, count: number): Promise<void> {
  const { server, choices, tally } = attacked;
  const link = new URL(server.newLink());
  const opened = await fetch(link, { redirect: 'manual' });
  const cookie = opened.headers.get('set-cookie')!.split(';')[0];
  let line = await SocketLine.open(server.port, cookie);
  for (let id = 1; id <= count; id++) {
    const raw = choices.uniform() < 0.08 ? rawText(choices) : null;
    if (raw !== null) {
      tally.add(`WebSocket: ${raw.kind}`);
      await line.closedBy(raw.data, tally);
      line = await SocketLine.open(server.port, cookie);
      continue;
    }
    const { kind, message, isRequest } = malformed(choices, id, (value) => decode(safeText(value)));
    tally.add(`WebSocket: ${kind}`);
    if (isRequest) judge(await line.answerTo(safeText(message)), attacked, () => brief(message));
    else {
      await line.closedBy(safeText(message), tally);
      line = await SocketLine.open(server.port, cookie);
    }
  }
  line.close();
}

/** Marks that cannot be read back are a kind of their own (rawText). */
function safeText(value: unknown): string {
  const text = value === undefined ? 'null' : encode(value);
  try {
    decode(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

function rawText(choices: Choices): { kind: string; data: string | Buffer } {
  const bytes = Buffer.from(Array.from({ length: choices.below(200) }, () => choices.below(256)));
  const valid = encode({ id: 1, call: 'runs.delete', input: { runs: [1], isTrial: false } });
  return choices.of([
    { kind: 'binary', data: bytes },
    { kind: 'binary', data: Buffer.from(valid) },
    { kind: 'not JSON', data: `x${bytes.toString('latin1')}` },
    { kind: 'not JSON', data: valid.slice(0, choices.below(valid.length - 1)) },
    { kind: 'nested deep', data: '['.repeat(20_000) },
    {
      kind: 'nested deep',
      data: `{"id":1,"call":"runs.delete","input":${'['.repeat(50_000)}${']'.repeat(50_000)},"also":1}`,
    },
    { kind: 'marks', data: '{"id":1,"call":"runs.delete","input":{"$array":"float64","data":"!"}}' },
    { kind: 'marks', data: '{"id":1,"call":"runs.delete","input":{"$array":"float64","data":"AAAA"}}' },
    { kind: 'marks', data: '{"id":1,"call":"runs.delete","input":{"$array":"__proto__","data":""}}' },
    { kind: 'marks', data: '{"id":1,"call":"runs.delete","input":{"$number":"1e999"}}' },
  ]);
}

/** A WebSocket that asks one thing at a time. */
class SocketLine {
  readonly #client: WebSocket;

  private constructor(client: WebSocket) {
    this.#client = client;
  }

  static async open(port: number, cookie: string): Promise<SocketLine> {
    const at = `127.0.0.1:${port}`;
    const client = new WebSocket(`ws://${at}/api`, { headers: { origin: `http://${at}`, cookie } });
    await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
    client.on('error', () => undefined);
    return new SocketLine(client);
  }

  /** The reply; null where the socket closed or nothing came. */
  answerTo(text: string): Promise<unknown> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), 10_000);
      const hear = (data: Buffer): void => {
        const message = decode(data.toString()) as { event?: unknown };
        if (message.event === undefined) done(message);
      };
      const gone = (): void => done(null);
      const done = (value: unknown): void => {
        clearTimeout(timer);
        this.#client.off('message', hear).off('close', gone);
        resolve(value);
      };
      this.#client.on('message', hear).on('close', gone);
      this.#client.send(text);
    });
  }

  async closedBy(data: string | Buffer, tally: Tally): Promise<void> {
    const code = await new Promise<number | string>((resolve) => {
      const timer = setTimeout(() => resolve('not at all'), 10_000);
      this.#client.once('close', (closed) => {
        clearTimeout(timer);
        resolve(closed);
      });
      this.#client.send(data);
    });
    if (code !== 1008) tally.violation(`${brief(String(data))} closed the socket ${code}, expected 1008`);
    this.#client.terminate();
  }

  close(): void {
    this.#client.close();
  }
}

// --- the bridge ------------------------------------------------------------------------------------------------------

type Listener = (event: Sender, message: unknown) => Promise<unknown>;

const SENDERS: readonly Sender[] = [
  { senderFrame: null },
  { senderFrame: { url: 'https://evil.example/', parent: null } },
  { senderFrame: { url: 'app://workbench.evil/', parent: null } },
  { senderFrame: { url: 'app://workbench@evil/', parent: null } },
  { senderFrame: { url: 'file:///app', parent: null } },
  { senderFrame: { url: 'about:blank', parent: null } },
  { senderFrame: { url: 'data:text/html,x', parent: null } },
  { senderFrame: { url: 'app://workbench/', parent: {} } },
];
const OURS: Sender = { senderFrame: { url: 'app://workbench/runs', parent: null } };

/** What structured clone carries and JSON does not. */
function exotic(choices: Choices): unknown {
  const cyclic: Record<string, unknown> = { id: 1, call: 'runs.delete' };
  cyclic['input'] = cyclic;
  return choices.of<unknown>([
    cyclic,
    new Map([['id', 1]]),
    new Set([1]),
    new Date(0),
    10n,
    new ArrayBuffer(8),
    new Error('x'),
    /x/,
    undefined,
    { id: 1, call: 'runs.delete', input: new Map([['runs', [1]]]) },
    { id: 1, call: 'runs.delete', input: { runs: new Set([1]), isTrial: false } },
    { id: 1, call: 'runs.delete', input: { runs: [1n], isTrial: false } },
    { id: 1, call: 'runs.delete', input: cyclic },
    { id: 1n, call: 'runs.delete', input: {} },
    { id: 1, call: 'queue.add', input: { config: cyclic } },
    { id: 1, call: 'certificates.images', input: { run: 1, domain: 'target', indices: Int32Array.of(0) } },
  ]);
}

async function attackBridge(attacked: Attacked, count: number): Promise<void> {
  const { server, choices, tally } = attacked;
  let listener: Listener = () => Promise.reject(new Error('nothing listens'));
  const unsubscribe = bridge(server.workbench, { handle: (_channel, of) => (listener = of) }, () => null);
  for (let id = 1; id <= count; id++) {
    const roll = choices.uniform();
    if (roll < 0.1) {
      // Of somebody else's page even a valid request is refused.
      tally.add('bridge: not our page');
      await refused(
        listener(choices.of(SENDERS), { id, call: 'runs.delete', input: { runs: [1], isTrial: false } }),
        tally,
      );
      continue;
    }
    const { kind, message, isRequest } =
      roll < 0.2 ? classify(exotic(choices)) : malformed(choices, id, (value) => structuredClone(value));
    tally.add(`bridge: ${kind}`);
    const answer = listener(OURS, structuredClone(message));
    if (isRequest) judge(await answer, attacked, () => brief(message));
    else await refused(answer, tally);
  }
  unsubscribe();
}

/** The exotic ones with an envelope are answered. */
function classify(message: unknown): { kind: string; message: unknown; isRequest: boolean } {
  const isRequest =
    typeof message === 'object' &&
    message !== null &&
    typeof (message as { id?: unknown }).id === 'number' &&
    'input' in message;
  return { kind: 'not JSON', message, isRequest };
}

async function refused(answer: Promise<unknown>, tally: Tally): Promise<void> {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error) || !error.message.startsWith(CHANNELS.answer)) {
    tally.violation(`the bridge refused with ${String(error)}`);
  }
}
