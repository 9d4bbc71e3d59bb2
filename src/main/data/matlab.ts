import { damaged, PartSource, readExactly, UnpackedSource, type ByteSource } from './byteSource.ts';

/** Types of elements of MATLAB's level 5 files that this reader meets. */
const TYPES = { int8: 1, uint8: 2, int32: 5, uint32: 6, double: 9, matrix: 14, compressed: 15 } as const;
/** Classes of arrays that an image set may have: of doubles and of bytes. */
const CLASSES: ReadonlySet<number> = new Set([6, 9]);
const HEADER = 128;

export interface MatlabArray {
  readonly name: string;
  /** Sizes, fastest first: MATLAB's order. */
  readonly dimensions: readonly number[];
  /** Type of an element as stored: double arrays of small whole numbers are stored as bytes. */
  readonly storedAs: 'uint8' | 'double';
  /** Byte order of what is longer than a byte. */
  readonly littleEndian: boolean;
  /** The elements, column-major; what is not read of them is skipped. */
  readonly elements: ByteSource;
}

interface Element {
  readonly type: number;
  readonly size: number;
  readonly contents: ByteSource;
  /** Of the source it lies in: bytes to the next element, after the contents. */
  readonly padding: number;
}

/**
 * Numeric arrays of a MATLAB level 5 file, in order, compressed ones unpacked as they are read. Elements that are no arrays of numbers are
 * skipped.
 * @throws DataError for a file of another kind, and for elements that do not fit into each other
 */
export function* matlabArrays(source: ByteSource): Generator<MatlabArray> {
  const littleEndian = readHeader(source);
  for (;;) {
    const element = nextElement(source, littleEndian);
    if (element === null) return;
    if (element.type === TYPES.compressed) {
      const unpacked = new UnpackedSource(element.contents);
      const inner = nextElement(unpacked, littleEndian);
      if (inner?.type === TYPES.matrix) yield* arrayIn(inner.contents, littleEndian);
    } else if (element.type === TYPES.matrix) {
      yield* arrayIn(element.contents, littleEndian);
    }
    skipRest(element.contents, element.size);
    // Compressed elements are not padded.
    if (element.type !== TYPES.compressed) source.read(element.padding);
  }
}

function readHeader(source: ByteSource): boolean {
  const header = readExactly(source, HEADER, 'the header');
  const mark = String.fromCharCode(header[126], header[127]);
  const littleEndian = mark === 'IM';
  const version = littleEndian ? header[125] : header[124];
  if ((littleEndian || mark === 'MI') && version === 1) return littleEndian;
  throw damaged(source, {
    operation: 'reading the header',
    quantity: 'kind of file',
    got: `version ${version}, byte order "${mark}"`,
    expected: 'MATLAB level 5',
    offset: 124,
  });
}

/** Null at the end of the source. */
function nextElement(source: ByteSource, littleEndian: boolean): Element | null {
  const at = source.position;
  const tag = source.read(8).slice();
  if (tag.length === 0) return null;
  if (tag.length < 8) {
    const parts = { operation: 'reading a tag', quantity: 'bytes left', got: tag.length, expected: 8 };
    throw damaged(source, { ...parts, offset: at });
  }
  const view = new DataView(tag.buffer);
  const first = view.getUint32(0, littleEndian);
  if (first >>> 16 === 0) {
    const size = view.getUint32(4, littleEndian);
    const padding = (8 - (size % 8)) % 8;
    return { type: first, size, contents: new PartSource(source, size), padding };
  }
  // A small element: its size and type in four bytes, its contents in the other four.
  const size = first >>> 16;
  if (size > 4) {
    const parts = { operation: 'reading a tag', quantity: 'size of a small element', got: size };
    throw damaged(source, { ...parts, expected: 'at most 4', offset: at });
  }
  return { type: first & 0xffff, size, contents: new BytesSource(source.file, tag.subarray(4, 4 + size)), padding: 0 };
}

/** The array of a matrix element, unless it is one of another class. */
function* arrayIn(contents: ByteSource, littleEndian: boolean): Generator<MatlabArray> {
  const flags = small(contents, { type: TYPES.uint32, size: 8, what: 'array flags' }, littleEndian);
  const isComplex = (flags.getUint32(0, littleEndian) & 0x800) !== 0;
  if (!CLASSES.has(flags.getUint32(0, littleEndian) & 0xff) || isComplex) return;
  const sizes = small(contents, { type: TYPES.int32, most: 64, what: 'dimensions' }, littleEndian);
  const dimensions = Array.from({ length: Math.floor(sizes.byteLength / 4) }, (_, i) =>
    sizes.getInt32(4 * i, littleEndian),
  );
  const letters = small(contents, { type: TYPES.int8, most: 64, what: 'name' }, littleEndian);
  const name = String.fromCharCode(...new Uint8Array(letters.buffer, letters.byteOffset, letters.byteLength));
  const at = contents.position;
  const real = nextElement(contents, littleEndian);
  const storedAs = real?.type === TYPES.uint8 ? 'uint8' : real?.type === TYPES.double ? 'double' : null;
  if (real === null || storedAs === null) {
    const parts = { operation: `reading array "${name}"`, quantity: 'type of its elements', got: real?.type ?? 'none' };
    throw damaged(contents, { ...parts, expected: 'bytes (2) or doubles (9)', offset: at });
  }
  const count = dimensions.reduce((product, n) => product * n, 1);
  const expected = count * (storedAs === 'uint8' ? 1 : 8);
  if (dimensions.some((n) => n < 0) || real.size !== expected) {
    const parts = { operation: `reading array "${name}"`, quantity: 'bytes', got: real.size };
    throw damaged(contents, { ...parts, expected: `${expected} for ${dimensions.join(' × ')}`, offset: at });
  }
  yield { name, dimensions, storedAs, littleEndian, elements: real.contents };
}

interface Wanted {
  readonly type: number;
  /** Bytes: these exactly, or so many at most. */
  readonly size?: number;
  readonly most?: number;
  readonly what: string;
}

/** A sub-element that is read whole: of the given type and no longer than it can be. */
function small(contents: ByteSource, { type, size, most = size!, what }: Wanted, littleEndian: boolean): DataView {
  const at = contents.position;
  const element = nextElement(contents, littleEndian);
  const fits = element?.type === type && element.size <= most && (size === undefined || element.size === size);
  if (element === null || !fits) {
    const got = element === null ? 'nothing' : `type ${element.type} of ${element.size} bytes`;
    const expected = `type ${type}, ${size ?? `at most ${most}`} bytes`;
    throw damaged(contents, { operation: 'reading an array', quantity: what, got, expected, offset: at });
  }
  const bytes = readExactly(element.contents, element.size, what).slice();
  contents.read(element.padding);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function skipRest(contents: ByteSource, size: number): void {
  while (contents.position < size) readExactly(contents, Math.min(size - contents.position, 1 << 16), 'an element');
}

/** Bytes that were read already, as a source. */
class BytesSource implements ByteSource {
  readonly file: string;
  position = 0;
  private readonly bytes: Uint8Array;

  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    this.bytes = bytes;
  }

  read(count: number): Uint8Array {
    const got = this.bytes.subarray(this.position, this.position + count);
    this.position += got.length;
    return got;
  }
}
