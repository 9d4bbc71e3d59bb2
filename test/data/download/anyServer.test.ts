import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DownloadError } from '../../../src/main/data/download/downloadError.ts';
import { downloadSet } from '../../../src/main/data/download/downloadSet.ts';
import {
  contentOf,
  distribution,
  serve,
  serveWhole,
  startServer,
  status,
  type Behaviour,
  type MischievousServer,
} from './mischievousServer.ts';

const CONTENT = contentOf(3000);
const OTHER = contentOf(3000, 2);

let server: MischievousServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

/** Says that it sends what it was asked for, and sends something else. */
const lies =
  (content: Uint8Array, from: number): Behaviour =>
  (request, response) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const headers = asked === undefined ? {} : { 'content-range': `bytes ${asked}-${content.length - 1}/3000` };
    response.writeHead(asked === undefined ? 200 : 206, headers).end(content.subarray(from));
  };

const content = fc.constantFrom(CONTENT, OTHER, contentOf(2999), contentOf(3001));
const serving = fc.record(
  {
    // Each attempt that brings a byte is worth another: a byte at a time would be thousands of them.
    breakAfter: fc.integer({ min: 300, max: 3000 }),
    chunked: fc.boolean(),
    etag: fc.constantFrom('"1"', '"2"', 'W/"3"'),
  },
  { requiredKeys: ['chunked'] },
);
const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.tuple(content, serving).map(([bytes, options]) => serve(bytes, options)),
  fc.tuple(content, serving).map(([bytes, options]) => serveWhole(bytes, options)),
  fc.tuple(content, fc.integer({ min: 0, max: 3000 })).map(([bytes, from]) => lies(bytes, from)),
  fc.constantFrom(206, 404, 416, 503).map((code) => status(code)),
);
const turn = fc.array(behaviour, { minLength: 1, maxLength: 4 });

it('whatever servers do, a file has its name only where it is whole and right', async () => {
  await fc.assert(
    fc.asyncProperty(turn, turn, async (official, mirror) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'ptw-any-'));
      const target = path.join(folder, 'file.bin');
      const addresses = [server.does('/official', ...official), server.does('/mirror', ...mirror)] as const;
      const request = { name: 'set', files: [distribution(CONTENT, addresses)], folder };
      const ignore = (): void => undefined;
      const reporter = { began: ignore, progress: ignore, notice: ignore, ended: ignore };
      const options = { signal: new AbortController().signal, environment: {}, pausesMs: [1, 1], reporter };
      try {
        // A second time goes on with what the first left.
        for (let time = 0; time < 2; time++) {
          const failure: unknown = await downloadSet(request, options).then(
            () => null,
            (error: unknown) => error,
          );
          expect(existsSync(target)).toBe(failure === null);
          if (failure !== null) expect(failure).toBeInstanceOf(DownloadError);
          else expect(readFileSync(target).equals(CONTENT)).toBe(true);
          if (failure === null) expect(readdirSync(folder)).toEqual(['file.bin']);
        }
        // And from a good server it comes, whatever was left behind.
        server.does('/official', serve(CONTENT));
        await downloadSet(request, options);
        expect(readFileSync(target).equals(CONTENT)).toBe(true);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 60 },
  );
}, 120_000);
