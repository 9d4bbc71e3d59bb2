import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DownloadError, DownloadInterrupted } from '../../../src/main/data/download/downloadError.ts';
import { downloadSet, type DownloadedFile } from '../../../src/main/data/download/downloadSet.ts';
import type { DistributionFile } from '../../../src/main/data/distributions.ts';
import {
  contentOf,
  deadAddress,
  distribution,
  serve,
  serveWhole,
  startServer,
  status,
  type Behaviour,
  type MischievousServer,
} from './mischievousServer.ts';

const CONTENT = contentOf(200_000);
const HALF = 100_000;

let server: MischievousServer;
let folder: string;
let notices: string[];

beforeEach(async () => {
  server = await startServer();
  folder = mkdtempSync(path.join(tmpdir(), 'ptw-download-'));
  notices = [];
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const target = (name = 'file.bin'): string => path.join(folder, name);

interface Around {
  readonly signal?: AbortSignal;
  readonly progress?: (bytes: number) => void;
  readonly stallMs?: number;
  readonly pausesMs?: readonly number[];
}

function download(files: readonly DistributionFile[], around: Around = {}): Promise<readonly DownloadedFile[]> {
  const { signal = new AbortController().signal, progress, stallMs = 5_000, pausesMs = [1, 1, 1] } = around;
  return downloadSet(
    { name: 'the-set', files, folder },
    {
      signal,
      stallMs,
      pausesMs,
      environment: {},
      reporter: {
        began: () => undefined,
        progress: (bytes) => progress?.(bytes),
        notice: (text) => notices.push(text),
        ended: () => undefined,
      },
    },
  );
}

/** The error a download ends in; success fails the test. */
async function failureOf(files: readonly DistributionFile[], around: Around = {}): Promise<DownloadError> {
  const error = await download(files, around).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof DownloadError) return error;
  throw new Error(`expected a DownloadError, got ${String(error)}`);
}

const at = (...behaviours: Behaviour[]): DistributionFile =>
  distribution(CONTENT, [server.does('/official', ...behaviours)]);

const expectWhole = (): void => {
  expect(readFileSync(target()).equals(CONTENT)).toBe(true);
  expect(readdirSync(folder)).toEqual(['file.bin']);
};
const expectNothing = (): void => expect(readdirSync(folder)).toEqual([]);

/** Leaves half of the file behind, from the server as it is set up for a first request. */
async function breakHalfWay(file: DistributionFile): Promise<void> {
  await failureOf([file], { pausesMs: [] });
  expect(readFileSync(target('file.bin.part'))).toHaveLength(HALF);
  server.asked.length = 0;
}

describe('a server that behaves', () => {
  it('gives the file, and nothing is left beside it', async () => {
    const got = await download([at(serve(CONTENT))]);
    expectWhole();
    expect(got).toEqual([{ path: target(), bytes: CONTENT.length, outcome: 'downloaded' }]);
  });

  it('is not asked for a file that is there', async () => {
    writeFileSync(target(), CONTENT);
    const [{ outcome }] = await download([at(serve(CONTENT))]);
    expect(outcome).toBe('already there');
    expect(server.asked).toEqual([]);
  });

  it('is not asked for a file whose contents are there, packed by another gzip or not at all', async () => {
    const packed = gzipSync(CONTENT);
    const contentsSha256 = distribution(CONTENT, ['']).sha256;
    const file = { ...distribution(packed, [server.does('/official', status(500))]), name: 'file.gz', contentsSha256 };
    writeFileSync(target('file'), CONTENT);
    const [{ outcome, path: where }] = await download([file]);
    expect([outcome, where]).toEqual(['already there', target('file')]);
    expect(server.asked).toEqual([]);
  });

  it('replaces a file of the same name that is not the distributed one, saying so', async () => {
    writeFileSync(target(), CONTENT.subarray(0, HALF));
    await download([at(serve(CONTENT))]);
    expectWhole();
    expect(notices.join()).toMatch(/file\.bin is to be replaced: 100000 bytes, expected 200000/);
  });

  it('does not unpack what is gzip already, whatever the answer calls its encoding', async () => {
    const packed = gzipSync(CONTENT);
    const address = server.does('/official', (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'x-gzip' }).end(packed);
    });
    await download([distribution(packed, [address])]);
    expect(readFileSync(target()).equals(packed)).toBe(true);
  });

  it.each([301, 302, 303, 307, 308])('is found through redirects (%i)', async (code) => {
    server.does('/there', serve(CONTENT));
    await download([at(status(code, { location: '/there' }))]);
    expectWhole();
  });
});

describe('going on with a part', () => {
  it('asks for the rest alone, if the file is still the one with the same ETag', async () => {
    const file = at(serve(CONTENT, { etag: '"1"', breakAfter: HALF }), serve(CONTENT, { etag: '"1"' }));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
    expect(server.asked).toEqual([{ path: '/official', range: `bytes=${HALF}-`, ifRange: '"1"' }]);
  });

  it('falls back on the date of the last change where the ETag is weak', async () => {
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
    const dated: Behaviour = (request, response) => {
      response.setHeader('last-modified', date);
      serve(CONTENT, { etag: 'W/"1"', breakAfter: HALF })(request, response);
    };
    const file = at(dated, serve(CONTENT, { etag: date }));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
    expect(server.asked[0].ifRange).toBe(date);
  });

  it('begins anew where the file changed on the server meanwhile', async () => {
    const file = at(
      serve(contentOf(CONTENT.length, 2), { etag: '"1"', breakAfter: HALF }),
      serve(CONTENT, { etag: '"2"' }),
    );
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
    expect(server.asked).toHaveLength(1);
  });

  it('begins anew where the server ignores Range', async () => {
    const file = at(serve(CONTENT, { breakAfter: HALF }), serveWhole(CONTENT));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
  });

  it('begins anew where the first half turns out to be wrong, and asks the same address', async () => {
    const wrongHalf = Buffer.concat([contentOf(HALF, 2), CONTENT.subarray(HALF)]);
    const file = at(serve(wrongHalf, { breakAfter: HALF }), serve(CONTENT));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
    expect(server.asked.map(({ range }) => range)).toEqual([`bytes=${HALF}-`, undefined]);
  });

  it('begins anew where the server sends other bytes than asked for', async () => {
    const shifted: Behaviour = (_request, response) => {
      const headers = { 'content-range': `bytes 5-${CONTENT.length - 1}/${CONTENT.length}` };
      response.writeHead(206, headers).end(CONTENT.subarray(5));
    };
    const file = at(serve(CONTENT, { breakAfter: HALF }), shifted, serve(CONTENT));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
  });

  it('begins anew where the server says that there are no such bytes', async () => {
    const file = at(serve(CONTENT, { breakAfter: HALF }), status(416), serve(CONTENT));
    await breakHalfWay(file);
    await download([file]);
    expectWhole();
  });

  it('goes on from a mirror, without the ETag of the other server', async () => {
    const official = server.does('/official', serve(CONTENT, { etag: '"1"', breakAfter: HALF }), status(404));
    const mirror = server.does('/mirror', serve(CONTENT));
    await download([distribution(CONTENT, [official, mirror])]);
    expectWhole();
    expect(server.asked.at(-1)).toEqual({ path: '/mirror', range: `bytes=${HALF}-`, ifRange: undefined });
  });

  it.each([
    ['of another file', JSON.stringify({ sha256: 'other', bytes: 200_000, address: 'x', validator: null })],
    ['of which nothing is known', '{'],
  ])('does not take a part %s', async (_what, note) => {
    writeFileSync(target('file.bin.part'), CONTENT.subarray(0, HALF));
    writeFileSync(target('file.bin.part.json'), note);
    await download([at(serve(CONTENT))]);
    expectWhole();
    expect(server.asked[0].range).toBeUndefined();
  });

  it('takes a part that is whole without asking anyone', async () => {
    const file = at(status(500));
    const { sha256, bytes } = file;
    writeFileSync(target('file.bin.part'), CONTENT);
    writeFileSync(target('file.bin.part.json'), JSON.stringify({ sha256, bytes, address: 'x', validator: null }));
    await download([file]);
    expectWhole();
    expect(server.asked).toEqual([]);
  });
});

describe('a server that breaks off', () => {
  it('is asked again for the rest', async () => {
    await download([at(serve(CONTENT, { breakAfter: HALF }), serve(CONTENT, { breakAfter: 50_000 }), serve(CONTENT))]);
    expectWhole();
    expect(server.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
  });

  it.each([
    ['with the size announced', { breakAfter: HALF }],
    ['without', { breakAfter: HALF, chunked: true }],
  ])('never leaves a truncated file under the name of the whole one (%s)', async (_what, serving) => {
    await failureOf([at(serveWhole(CONTENT, serving))]);
    expect(existsSync(target())).toBe(false);
  });

  it('and ends an answer without a size early in order is not taken for whole', async () => {
    const error = await failureOf([at(serveWhole(CONTENT.subarray(0, HALF), { chunked: true }))]);
    expect(error.message).toMatch(/it ended after 100000 of 200000 bytes/);
    expect(error.message).toMatch(/100000 of its 200000 bytes came, are kept/);
    expect(existsSync(target())).toBe(false);
  });

  it('at the same place each time is given up, for it brings nothing new', async () => {
    await failureOf([at(serveWhole(CONTENT, { breakAfter: HALF }))]);
    expect(server.asked).toHaveLength(4);
  });

  it('or falls silent is asked again', async () => {
    const silent: Behaviour = (_request, response) => {
      response.writeHead(200, { 'content-length': String(CONTENT.length) });
      response.write(CONTENT.subarray(0, HALF));
    };
    await download([at(silent, serve(CONTENT))], { stallMs: 200 });
    expectWhole();
    expect(notices.join()).toMatch(/nothing came for 0\.2 s/);
  });
});

describe('a server with another file', () => {
  it.each([
    ['of another size', serve(contentOf(5)), /it has 5 bytes as file\.bin, which has 200000/],
    ['that is longer', serve(Buffer.concat([CONTENT, CONTENT]), { chunked: true }), /more than the 200000 bytes/],
    ['of the same size', serve(contentOf(CONTENT.length, 2)), /another checksum/],
  ])('%s is refused, nothing is kept, and the mirror is tried', async (_what, behaviour, reason) => {
    const official = server.does('/official', behaviour);
    expect((await failureOf([distribution(CONTENT, [official])])).message).toMatch(reason);
    expectNothing();
    await download([distribution(CONTENT, [official, server.does('/mirror', serve(CONTENT))])]);
    expectWhole();
  });

  it('of another size does not cost the part that is there', async () => {
    const file = at(serve(CONTENT, { breakAfter: HALF }), serve(contentOf(150_000)));
    await breakHalfWay(file);
    expect((await failureOf([file])).message).toMatch(/it has 150000 bytes/);
    expect(readFileSync(target('file.bin.part')).equals(CONTENT.subarray(0, HALF))).toBe(true);
  });
});

describe('a server with errors', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('is asked again after HTTP %i', async (code) => {
    await download([at(status(code), serve(CONTENT))]);
    expectWhole();
  });

  it.each([401, 403, 404, 410, 204])('is left for the mirror at once after HTTP %i', async (code) => {
    const official = server.does('/official', status(code));
    await download([distribution(CONTENT, [official, server.does('/mirror', serve(CONTENT))])]);
    expectWhole();
    expect(server.asked.map(({ path: asked }) => asked)).toEqual(['/official', '/mirror']);
    expect(notices.join()).toContain(`HTTP ${code}`);
  });

  it('is left alone for as long as it asks', async () => {
    const begin = performance.now();
    await download([at(status(503, { 'retry-after': '1' }), serve(CONTENT))]);
    expect(performance.now() - begin).toBeGreaterThan(990);
  });

  it.each([
    ['in a circle', '/official', /redirects more than 10 times/],
    ['to no http address', 'ftp://host/file.bin', /no http\(s\) address/],
    ['to a broken address', 'http://', /no http\(s\) address/],
  ])('that redirects %s is given up', async (_what, location, reason) => {
    expect((await failureOf([at(status(302, { location }))])).message).toMatch(reason);
    expectNothing();
  });
});

describe('without a network', () => {
  it('says where a copied file goes and where it is to be had', async () => {
    const dead = await deadAddress();
    const error = await failureOf([distribution(CONTENT, [dead, dead])]);
    expect(error.offline).toBe(true);
    expect(error.message).toMatch(/no server can be reached from here/);
    expect(error.message).toContain(`copy by hand\n  ${dead}\ninto ${folder}\n`);
    expectNothing();
  });

  it('is not what a refusing server is taken for', async () => {
    expect((await failureOf([at(status(404))])).offline).toBe(false);
  });

  it('takes a copied file and gets the rest', async () => {
    const [first, second] = [contentOf(1000, 3), contentOf(1000, 4)];
    const files = [
      { ...distribution(first, [server.does('/first', serve(first))]), name: 'first.bin' },
      { ...distribution(second, [server.does('/second', status(404))]), name: 'second.bin' },
    ];
    await failureOf(files);
    // Half a set would serve nothing, so nothing of it is in place yet.
    expect(readdirSync(folder).filter((name) => name.endsWith('.bin'))).toEqual([]);
    writeFileSync(target('second.bin'), second);
    expect((await download(files)).map(({ outcome }) => outcome)).toEqual(['downloaded', 'already there']);
    expect(readdirSync(folder).sort()).toEqual(['first.bin', 'second.bin']);
  });
});

describe('an interruption', () => {
  it('leaves a part that is gone on with', async () => {
    const abort = new AbortController();
    const silent: Behaviour = (_request, response) => {
      response.writeHead(200, { 'content-length': String(CONTENT.length), etag: '"1"' });
      response.write(CONTENT.subarray(0, HALF));
    };
    const file = at(silent, serve(CONTENT, { etag: '"1"' }));
    const progress = (bytes: number): void => (bytes === HALF ? abort.abort() : undefined);
    await expect(download([file], { signal: abort.signal, progress })).rejects.toThrow(DownloadInterrupted);
    expect(readdirSync(folder).sort()).toEqual(['file.bin.part', 'file.bin.part.json']);
    await download([file]);
    expectWhole();
    expect(server.asked.at(-1)?.range).toBe(`bytes=${HALF}-`);
  });

  it('ends a pause', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    const begin = performance.now();
    const interrupted = download([at(status(503))], { signal: abort.signal, pausesMs: [60_000] });
    await expect(interrupted).rejects.toThrow(/go on with: ptw data get the-set/);
    expect(performance.now() - begin).toBeLessThan(10_000);
    expectNothing();
  });
});

describe('the folder', () => {
  it('is not written into while another process downloads', async () => {
    writeFileSync(target('.download.lock'), String(process.ppid));
    expect((await failureOf([at(serve(CONTENT))])).message).toMatch(/process \d+ is downloading into/);
    expect(server.asked).toEqual([]);
  });

  it('is taken over from a process that ended without tidying up', async () => {
    writeFileSync(target('.download.lock'), '');
    await download([at(serve(CONTENT))]);
    expectWhole();
  });

  it('must have room, which is looked at before anything is asked for', async () => {
    const file = { ...at(serve(CONTENT)), bytes: 2 ** 60 };
    expect((await failureOf([file])).message).toMatch(/needs 1152921504607 MB more and its disk has \d+ MB free/);
    expect(server.asked).toEqual([]);
  });

  it('that cannot be made is named', async () => {
    writeFileSync(target('in-the-way'), '');
    const request = { name: 'the-set', files: [at(serve(CONTENT))], folder: path.join(folder, 'in-the-way', 'set') };
    const ignore = (): void => undefined;
    const reporter = { began: ignore, progress: ignore, notice: ignore, ended: ignore };
    const signal = new AbortController().signal;
    await expect(downloadSet(request, { signal, environment: {}, reporter })).rejects.toThrow(
      /part of the path is a file/,
    );
  });

  it('is made if need be', async () => {
    rmSync(folder, { recursive: true });
    await download([at(serve(CONTENT))]);
    expectWhole();
  });
});
