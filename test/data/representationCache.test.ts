import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cacheSettings,
  cacheUse,
  representationCache,
  type RepresentationCache,
} from '../../src/main/data/representationCache.ts';

const HASH = 32;
let folder: string;
let cache: RepresentationCache;
const limitedTo = (limit: number): RepresentationCache => representationCache({ folder, limit });
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'ptw-cache-')), 'representations');
  cache = limitedTo(2 ** 20);
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true, force: true }));

const bytesOf = (value: number, length = 100): Uint8Array => new Uint8Array(length).fill(value);
const fileOf = (name: string): string => path.join(folder, `${name}.draws`);
/** As if it was last used so many minutes ago. */
function age(name: string, minutes: number): void {
  const then = new Date(Date.now() - minutes * 60_000);
  utimesSync(fileOf(name), then, then);
}

describe('settings', () => {
  it('take PTW_CACHE_MB, 4 GB by default, below the cache of the user', () => {
    expect(cacheSettings('/c', {})).toEqual({ folder: path.join('/c', 'representations'), limit: 4096 * 2 ** 20 });
    expect(cacheSettings('/c', { PTW_CACHE_MB: '0' }).limit).toBe(0);
  });

  it.each(['-1', '1.5', 'much'])('refuse %s megabytes', (text) => {
    expect(() => cacheSettings('/c', { PTW_CACHE_MB: text })).toThrow(/PTW_CACHE_MB/);
  });
});

describe('what is kept', () => {
  it('comes back, whole or piece by piece', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    cache.write('a', bytes);
    expect(cache.read('a', 100)).toEqual(bytes);
    const file = cache.open('a', 100)!;
    const piece = new Uint8Array(5);
    file.read(piece, 40);
    expect([...piece]).toEqual([40, 41, 42, 43, 44]);
    expect(() => file.read(piece, 98)).toThrow('a file ends before its last row');
    file.close();
    expect(cacheUse({ folder, limit: 0 })).toEqual({ files: 1, bytes: 100 + HASH });
  });

  it.each<[string, (file: string) => void]>([
    ['cut short', (file) => truncateSync(file, 60)],
    ['cut before its hash ends', (file) => truncateSync(file, 7)],
    [
      'changed in one bit',
      (file) => {
        const bytes = readFileSync(file);
        bytes[70] ^= 1;
        writeFileSync(file, bytes);
      },
    ],
    ['longer than it should be', (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(1)]))],
  ])('is not believed once it is %s, and is removed', (_, damage) => {
    for (const ask of ['read', 'open'] as const) {
      cache.write('a', bytesOf(1));
      damage(fileOf('a'));
      expect(cache[ask]('a', 100)).toBeNull();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('is under its name only when whole: nothing unfinished stays', () => {
    cache.write('a', bytesOf(1));
    expect(readdirSync(folder)).toEqual(['a.draws']);
  });

  it('can be read to its end by who opened it, even when it is put out meanwhile', () => {
    cache.write('a', bytesOf(7));
    const file = cache.open('a', 100)!;
    rmSync(fileOf('a'));
    const bytes = new Uint8Array(100);
    file.read(bytes, 0);
    expect(bytes).toEqual(bytesOf(7));
    file.close();
  });
});

describe('the limit', () => {
  const THREE = 3 * (100 + HASH);

  it('is never passed; the least recently used goes first, and reading is using', () => {
    const small = limitedTo(THREE);
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      small.write(name, bytesOf(i));
      age(name, 30 - i);
    }
    expect(small.read('a', 100)).not.toBeNull();
    small.write('d', bytesOf(4));
    expect(readdirSync(folder).sort()).toEqual(['a.draws', 'c.draws', 'd.draws']);
    expect(cacheUse({ folder, limit: 0 }).bytes).toBeLessThanOrEqual(THREE);
  });

  it('keeps out what is larger than all of it, and leaves the rest alone', () => {
    const small = limitedTo(THREE);
    small.write('a', bytesOf(1));
    small.write('large', bytesOf(2, THREE));
    expect(readdirSync(folder)).toEqual(['a.draws']);
  });
});

it('a folder that cannot be made costs the cache and nothing else', () => {
  const file = path.join(path.dirname(folder), 'file');
  writeFileSync(file, '');
  const nowhere = representationCache({ folder: path.join(file, 'in'), limit: 2 ** 20 });
  nowhere.write('a', bytesOf(1));
  expect(nowhere.read('a', 100)).toBeNull();
  expect(statSync(file).isFile()).toBe(true);
});

it('removes what a process that died left half written, once it is a day old', () => {
  cache.write('a', bytesOf(1));
  for (const [name, hours] of [['old', 25] as const, ['new', 1] as const]) {
    const file = path.join(folder, `${name}.draws.00.unfinished`);
    writeFileSync(file, 'half');
    const then = new Date(Date.now() - hours * 3600_000);
    utimesSync(file, then, then);
  }
  cache.write('b', bytesOf(2));
  expect(readdirSync(folder).sort()).toEqual(['a.draws', 'b.draws', 'new.draws.00.unfinished']);
});
