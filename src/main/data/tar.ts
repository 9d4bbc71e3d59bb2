import { damaged, PartSource, readExactly, type ByteSource } from './byteSource.ts';

const BLOCK = 512;
/** Of a member that names another: paths are far shorter. */
const LONGEST_NAME = 1 << 16;

export interface TarMember {
  /** Path in the archive. */
  readonly name: string;
  readonly size: number;
  /** Its contents; what is not read of them is skipped. */
  readonly contents: ByteSource;
}

/**
 * The regular files of a tar archive (ustar, with the long names of GNU and pax), in order, read as they are asked for. Written for
 * one pass over gigabytes without holding them, synchronously as all of this room is; archives are read, never extracted, so
 * that no path of theirs is ever a path on disk.
 * @throws DataError for a header whose checksum is wrong, and for an archive that is cut off
 */
export function* tarMembers(source: ByteSource): Generator<TarMember> {
  let longName: string | null = null;
  for (;;) {
    const at = source.position;
    // Copied: reading a member's contents may use the buffer again.
    const header = readExactly(source, BLOCK, 'a header of the archive').slice();
    if (header.every((byte) => byte === 0)) return;
    checkHeader(source, header, at);
    const size = sizeOf(source, header, at);
    const type = String.fromCharCode(header[156]);
    const contents = new PartSource(source, size, source.file);
    if (type === 'L' || type === 'x') {
      if (size > LONGEST_NAME) {
        const parts = { operation: 'reading the archive', quantity: 'length of a name', got: size };
        throw damaged(source, { ...parts, expected: `at most ${LONGEST_NAME}`, offset: at + 124 });
      }
      const text = new TextDecoder().decode(readExactly(contents, size, 'a long name'));
      longName = type === 'L' ? text.replace(/\0.*$/s, '') : (paxPath(text) ?? longName);
    } else {
      if (type === '0' || type === '\0') yield { name: longName ?? nameOf(header), size, contents };
      longName = null;
    }
    skip(contents, size - contents.position);
    skip(source, (BLOCK - (size % BLOCK)) % BLOCK);
  }
}

function checkHeader(source: ByteSource, header: Uint8Array, at: number): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
  const stored = octal(header, 148, 8);
  if (stored === sum) return;
  const parts = { operation: 'reading the archive', quantity: 'checksum of a header', got: stored ?? 'no number' };
  throw damaged(source, { ...parts, expected: sum, offset: at + 148 });
}

function sizeOf(source: ByteSource, header: Uint8Array, at: number): number {
  const size = octal(header, 124, 12);
  if (size !== null) return size;
  const parts = { operation: 'reading the archive', quantity: 'size of a member', got: 'no octal number' };
  throw damaged(source, { ...parts, expected: 'one below 8 GiB', offset: at + 124 });
}

/** Digits up to a space or NUL; null for anything else. */
function octal(header: Uint8Array, start: number, length: number): number | null {
  const text = String.fromCharCode(...header.subarray(start, start + length))
    .replace(/[\0 ]+$/, '')
    .trimStart();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : null;
}

function nameOf(header: Uint8Array): string {
  const text = (start: number, length: number): string =>
    new TextDecoder().decode(header.subarray(start, start + length)).replace(/\0.*$/s, '');
  const prefix = text(257, 5) === 'ustar' && header[262] === 0 ? text(345, 155) : '';
  return prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

/** Of records "length key=value\n". */
const paxPath = (text: string): string | null => /^\d+ path=(.*)$/m.exec(text)?.[1] ?? null;

function skip(source: ByteSource, count: number): void {
  for (let left = count; left > 0;) left -= readExactly(source, Math.min(left, 1 << 16), 'the archive').length;
}
