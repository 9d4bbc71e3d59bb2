import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { BadInput } from '../workbench/errors.ts';
import { filesBelow } from '../workbench/filesBelow.ts';

/** A built file of the renderer, ready to be sent. */
export interface Page {
  readonly type: string;
  readonly etag: string;
  /** Its name changes with its contents. */
  readonly isImmutable: boolean;
  body(encoding: Encoding): Buffer;
}
export type Encoding = 'br' | 'gzip' | 'identity';

/** The files of the renderer by their path in the address. What is not among them is not there: no path leads out of the folder. */
export interface Pages {
  readonly files: ReadonlyMap<string, Page>;
  /** What every address of the app itself is answered with. */
  readonly index: Page;
}

const TYPES: Partial<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** @throws BadInput where the renderer is not built */
export function readPages(folder: string): Pages {
  if (!existsSync(path.join(folder, 'index.html'))) {
    throw new BadInput(
      `the workbench's pages are not built: ${folder} has no index.html; build them with: npm run build`,
    );
  }
  const files = new Map<string, Page>();
  for (const file of filesBelow(folder)) {
    const type = TYPES[path.extname(file)];
    if (type === undefined) continue;
    const name = path.relative(folder, file).split(path.sep).join('/');
    files.set(`/${name}`, pageOf(readFileSync(file), { type, isImmutable: name.startsWith('assets/') }));
  }
  return { files, index: files.get('/index.html')! };
}

function pageOf(plain: Buffer, { type, isImmutable }: Pick<Page, 'type' | 'isImmutable'>): Page {
  const encoded = new Map<Encoding, Buffer>([['identity', plain]]);
  const encode = { br: brotli, gzip: gzipSync, identity: (body: Buffer) => body };
  return {
    type,
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    isImmutable,
    body(encoding) {
      let body = encoded.get(encoding);
      if (body === undefined) encoded.set(encoding, (body = encode[encoding](plain)));
      return body;
    },
  };
}

/** Not at the highest quality, which takes seconds for the last two per cent. */
const brotli = (body: Buffer): Buffer =>
  brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
