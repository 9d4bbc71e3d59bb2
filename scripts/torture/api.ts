// Malformed messages over the WebSocket of `serve` and over Electron's message handler, while a finished run lies in the folder.
// Must hold: every request is answered with an error that is no defect, nothing is unhandled, and no byte of the state changes.
//
//     node scripts/torture/api.ts [--seed n] [--count n]
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WebSocket } from 'ws';
import { CHANNELS } from '../../src/main/hosts/electron/channels.ts';
import { bridge, type Sender } from '../../src/main/hosts/electron/ipcBridge.ts';
import { serve, type Server } from '../../src/main/hosts/serve/serve.ts';
import { replySchema } from '../../src/shared/api/envelope.ts';
import { decode, encode } from '../../src/shared/api/wire.ts';
import { Choices, runAlone, tally, type Attack, type AttackResult } from './attackAlone.ts';
import { malformed } from './malformed.ts';
import { digestOf, finishedRun, temporaryFolder } from './tinyRun.ts';

interface Attacked {
  readonly server: Server;
  readonly choices: Choices;
  readonly counts: Record<string, number>;
  readonly failures: string[];
}

export const attack: Attack = async ({ seed, count, report }): Promise<AttackResult> => {
  const folder = await finishedRun();
  const pages = temporaryFolder();
  mkdirSync(path.join(pages, 'assets'));
  writeFileSync(path.join(pages, 'index.html'), '<!doctype html>');
  const server = await serve({ folder, port: 0, pages });
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  const unhandled = (error: unknown): void => void failures.push(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled);
  try {
    const changed = `the state changed under`;
    const before = digestOf(folder);
    const overSocket = Math.ceil(count / 2);
    await attackSocket({ server, choices: new Choices(seed, 'api', 'socket'), counts, failures }, overSocket);
    if (digestOf(folder) !== before) failures.push(`${changed} the WebSocket`);
    report(`${overSocket} messages over the WebSocket`);
    await attackBridge({ server, choices: new Choices(seed, 'api', 'bridge'), counts, failures }, count - overSocket);
    if (digestOf(folder) !== before) failures.push(`${changed} the bridge`);
    report(`${count - overSocket} messages over the bridge`);
    // Whoever is well-behaved is answered as before.
    const reply = await server.workbench.answer({ id: 1, call: 'run.get', input: { run: 1 } });
    if (!reply.ok) failures.push(`afterwards run.get is answered with ${reply.error.message}`);
    if (process.memoryUsage().rss > 2 ** 31) failures.push(`memory grew to ${process.memoryUsage().rss} bytes`);
    // Rejections are told of one turn late.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { counts, failures };
  } finally {
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled);
    await server.close();
  }
};

/** Refusals that say the one who asked is wrong; `internal` would say that we are. */
function judge(reply: unknown, { counts, failures }: Attacked, asked: () => string): void {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success)
    failures.push(`${asked()} is answered by what is no reply: ${JSON.stringify(reply).slice(0, 200)}`);
  else if (parsed.data.ok) failures.push(`${asked()} was answered as if it were valid`);
  else {
    tally(counts, `answered ${parsed.data.error.code}`);
    if (parsed.data.error.code !== 'bad-input')
      failures.push(`${asked()} is answered ${JSON.stringify(parsed.data.error)}`);
    if (parsed.data.error.message.length > 20_000)
      failures.push(`${asked()} is answered at ${parsed.data.error.message.length} letters`);
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
  const { server, choices, counts } = attacked;
  const link = new URL(server.newLink());
  const opened = await fetch(link, { redirect: 'manual' });
  const cookie = opened.headers.get('set-cookie')!.split(';')[0];
  let line = await SocketLine.open(server.port, cookie);
  for (let id = 1; id <= count; id++) {
    const raw = choices.uniform() < 0.08 ? rawText(choices) : null;
    if (raw !== null) {
      tally(counts, `WebSocket: ${raw.kind}`);
      await line.closedBy(raw.data, attacked.failures);
      line = await SocketLine.open(server.port, cookie);
      continue;
    }
    const { kind, message, isRequest } = malformed(choices, id, (value) => decode(safeText(value)));
    tally(counts, `WebSocket: ${kind}`);
    if (isRequest) judge(await line.answerTo(safeText(message)), attacked, () => brief(message));
    else {
      await line.closedBy(safeText(message), attacked.failures);
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

  async closedBy(data: string | Buffer, failures: string[]): Promise<void> {
    const code = await new Promise<number | string>((resolve) => {
      const timer = setTimeout(() => resolve('not at all'), 10_000);
      this.#client.once('close', (closed) => {
        clearTimeout(timer);
        resolve(closed);
      });
      this.#client.send(data);
    });
    if (code !== 1008) failures.push(`${brief(String(data))} closed the socket ${code}, expected 1008`);
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
  const { server, choices, counts, failures } = attacked;
  let listener: Listener = () => Promise.reject(new Error('nothing listens'));
  const unsubscribe = bridge(server.workbench, { handle: (_channel, of) => (listener = of) }, () => null);
  for (let id = 1; id <= count; id++) {
    const roll = choices.uniform();
    if (roll < 0.1) {
      // Of somebody else's page even a valid request is refused.
      tally(counts, 'bridge: not our page');
      await refused(
        listener(choices.of(SENDERS), { id, call: 'runs.delete', input: { runs: [1], isTrial: false } }),
        failures,
      );
      continue;
    }
    const { kind, message, isRequest } =
      roll < 0.2 ? classify(exotic(choices)) : malformed(choices, id, (value) => structuredClone(value));
    tally(counts, `bridge: ${kind}`);
    const answer = listener(OURS, structuredClone(message));
    if (isRequest) judge(await answer, attacked, () => brief(message));
    else await refused(answer, failures);
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

async function refused(answer: Promise<unknown>, failures: string[]): Promise<void> {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error) || !error.message.startsWith(CHANNELS.answer)) {
    failures.push(`the bridge refused with ${String(error)}`);
  }
}

await runAlone(import.meta.url, attack, 100_000);
