import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DistributionFile } from '../../src/main/data/distributions.ts';
import { inspectFile, type FileState } from '../../src/main/data/inspectFiles.ts';

const CONTENT = Buffer.from('labels '.repeat(1000));
const PACKED = gzipSync(CONTENT, { level: 9 });
const REPACKED = gzipSync(CONTENT, { level: 1 });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const FILE: DistributionFile = {
  name: 'labels.gz',
  bytes: PACKED.length,
  sha256: sha256(PACKED),
  contentsSha256: sha256(CONTENT),
  addresses: ['http://host.invalid/labels.gz'],
};
const UNSTATED: DistributionFile = { ...FILE, contentsSha256: null };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ptw-inspect-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const changed = (bytes: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 1] ^= 1;
  return copy;
};

interface Case {
  readonly what: string;
  readonly lies: Readonly<Record<string, Uint8Array>>;
  readonly file?: DistributionFile;
  readonly kind: FileState['kind'];
  readonly reason?: RegExp;
}

const CASES: readonly Case[] = [
  { what: 'nothing', lies: {}, kind: 'missing' },
  { what: 'the file', lies: { 'labels.gz': PACKED }, kind: 'original' },
  { what: 'the file, beside one unpacked', lies: { 'labels.gz': PACKED, labels: changed(CONTENT) }, kind: 'original' },
  { what: 'its contents by another gzip', lies: { 'labels.gz': REPACKED }, kind: 'repacked' },
  { what: 'its contents', lies: { labels: CONTENT }, kind: 'repacked' },
  {
    what: 'the file by another gzip, of unstated contents',
    lies: { 'labels.gz': REPACKED },
    file: UNSTATED,
    kind: 'wrong',
    reason: /\d+ bytes, expected \d+/,
  },
  { what: 'unstated contents', lies: { labels: CONTENT }, file: UNSTATED, kind: 'unknown' },
  { what: 'a cut file', lies: { 'labels.gz': PACKED.subarray(0, -1) }, kind: 'wrong', reason: /bytes, expected/ },
  { what: 'nothing in it', lies: { 'labels.gz': new Uint8Array(0) }, kind: 'wrong', reason: /^0 bytes, expected/ },
  { what: 'a changed bit', lies: { 'labels.gz': changed(PACKED) }, kind: 'wrong', reason: /^SHA-256 .*, expected/ },
  { what: 'other contents', lies: { labels: changed(CONTENT) }, kind: 'wrong', reason: /^SHA-256 .*, expected/ },
  {
    what: 'an archive unpacked, which nothing reads under that name',
    lies: { 'labels.tar': CONTENT },
    file: { ...FILE, name: 'labels.tar.gz' },
    kind: 'missing',
  },
];

it.each(CASES)('$what is $kind', async ({ lies, file = FILE, kind, reason }) => {
  for (const [name, bytes] of Object.entries(lies)) writeFileSync(path.join(folder, name), bytes);
  const state = await inspectFile(file, folder);
  expect(state.kind).toBe(kind);
  if (reason !== undefined) expect(state.kind === 'wrong' ? state.reason : '').toMatch(reason);
});

it('a folder of that name is wrong, not a crash', async () => {
  mkdirSync(path.join(folder, 'labels.gz'));
  expect((await inspectFile(FILE, folder)).kind).toBe('wrong');
});
