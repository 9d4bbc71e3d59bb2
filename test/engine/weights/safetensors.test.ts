import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, WeightsError } from '../../../src/main/engine/weights/safetensors.ts';
import { deriveKey, philox4x32 } from '../../../src/main/math/philox.ts';

const fixture = (name: string): Uint8Array =>
  readFileSync(path.join(import.meta.dirname, '../../fixtures/weights', name));

const f32 = (shape: number[], ...offsets: number[]): unknown => ({ dtype: 'F32', shape, data_offsets: offsets });

/** A file of this header, an object or its text, and so many zero bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function withHeaderLength(length: bigint): Uint8Array {
  const bytes = file({});
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

describe('reading weights refuses', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /file has 0 bytes, a header length needs 8/],
    ['half a header length', new Uint8Array(7), /file has 7 bytes/],
    ['a header longer than the file', withHeaderLength(3n), /header length 3 exceeds the file's 10 bytes/],
    ['a header length of 2^64 − 1', withHeaderLength(2n ** 64n - 1n), /header length \d+ exceeds/],
    ['a header that is not JSON', file('{"a": '), /header is not JSON/],
    ['a header that is not UTF-8', file({}).map((byte, i) => (i === 8 ? 0xff : byte)), /header is not JSON/],
    ['a header of null', file('null'), /header is null, expected an object/],
    ['a header that is a list', file('[]'), /header is array, expected an object/],
    ['metadata that is a list', file({ __metadata__: ['x'] }), /__metadata__ is array, expected an object/],
    ['metadata of null', file({ __metadata__: null }), /__metadata__ is null/],
    ['metadata that is no text', file({ __metadata__: { epoch: 3 } }), /metadata "epoch" is number, expected a string/],
    ['a tensor of null', file({ w: null }), /tensor "w" is null, expected an object/],
    ['another dtype', fixture('float16.safetensors'), /tensor "half" has dtype "F16", only "F32" is read/],
    ['no dtype', file({ w: { shape: [], data_offsets: [0, 4] } }, 4), /"w" has dtype undefined/],
    ['no shape', file({ w: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /"w" has shape undefined/],
    ['a shape of text', file({ w: { dtype: 'F32', shape: ['1'], data_offsets: [0, 4] } }, 4), /has shape \["1"\]/],
    ['a broken size', file({ w: f32([0.5, 2], 0, 4) }, 4), /has shape \[0\.5,2\]/],
    ['negative sizes', file({ w: f32([-1, -1], 0, 4) }, 4), /has shape \[-1,-1\]/],
    ['a size past 2^53', file('{"w":{"dtype":"F32","shape":[1e999,0],"data_offsets":[0,0]}}'), /has shape/],
    ['a product past 2^53', file({ w: f32([2 ** 31, 2 ** 31, 2 ** 31], 0, 4) }, 4), /does not fit bytes 0–4/],
    ['no data_offsets', file({ w: { dtype: 'F32', shape: [1] } }, 4), /has data_offsets undefined/],
    ['one offset', file({ w: f32([1], 0) }, 4), /has data_offsets \[0\], expected two positions/],
    ['three offsets', file({ w: f32([1], 0, 4, 8) }, 4), /has data_offsets \[0,4,8\]/],
    ['a negative offset', file({ w: f32([1], -4, 0) }, 4), /has data_offsets \[-4,0\]/],
    ['offsets backwards', file({ w: f32([1], 4, 0) }, 4), /does not fit bytes 4–0/],
    ['fewer bytes than the shape', file({ w: f32([2], 0, 4) }, 4), /of shape \[2\] does not fit bytes 0–4/],
    ['bytes past the end', file({ w: f32([2], 0, 8) }, 4), /tensors end at byte 8 of the data, the file has 4/],
    ['bytes after the last', file({ w: f32([1], 0, 4) }, 5), /tensors end at byte 4 of the data, the file has 5/],
    ['overlapping tensors', file({ v: f32([2], 0, 8), w: f32([1], 4, 8) }, 8), /"w" begins at byte 4, expected 8/],
    ['a hole between tensors', file({ v: f32([1], 0, 4), w: f32([1], 8, 12) }, 12), /"w" begins at byte 8, expected 4/],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(WeightsError);
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  it('a file cut anywhere', () => {
    const bytes = fixture('python.safetensors');
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length)), `${length} bytes`).toThrow(WeightsError);
    }
  });

  it('with a sentence that says what is wrong and what that means', () => {
    expect(() => decodeSafetensors(new Uint8Array(3))).toThrow(
      'reading weights: file has 3 bytes, a header length needs 8; the file is damaged or was not written by this program',
    );
  });
});

describe('writing weights refuses', () => {
  it('an array whose length is not that of its shape', () => {
    const arrays = { w: { shape: [2, 3], data: new Float32Array(5) } };
    expect(() => encodeSafetensors(arrays)).toThrow(/got 5 values in "w", expected 6 for shape \[2, 3\]/);
  });

  it('an array under the name that the format keeps for itself', () => {
    const arrays = { __metadata__: { shape: [], data: new Float32Array(1) } };
    expect(() => encodeSafetensors(arrays)).toThrow(/got an array called "__metadata__"/);
  });
});

const ARRAYS = {
  'z.weight': { shape: [2, 3], data: Float32Array.of(1.5, -0, Infinity, -Infinity, 2 ** -149, 3.4028234663852886e38) },
  'a.bias': { shape: [3], data: Float32Array.of(NaN, 0.1, -1) },
  scalar: { shape: [], data: Float32Array.of(7) },
  empty: { shape: [0, 4], data: new Float32Array(0) },
  // Numerals as keys: JavaScript puts them first, whatever order they were written in.
  '10': { shape: [1], data: Float32Array.of(10) },
  '9': { shape: [1], data: Float32Array.of(9) },
  ['__proto__']: { shape: [1], data: Float32Array.of(4) },
  'Gewicht "ä" \\ 重み': { shape: [1], data: Float32Array.of(5) },
};
const METADATA = { head: '{"bound":1}', ['__proto__']: 'kept', écrit: 'ici' };

describe('weights', () => {
  it('come back as they were written, to the bit', () => {
    const { arrays, metadata } = decodeSafetensors(encodeSafetensors(ARRAYS, METADATA));
    expect(Object.keys(arrays).sort()).toEqual(Object.keys(ARRAYS).sort());
    for (const [name, { shape, data }] of Object.entries(ARRAYS)) {
      const read = Object.entries(arrays).find(([key]) => key === name)![1];
      expect(read.shape).toEqual(shape);
      expect(new Uint32Array(read.data.buffer), name).toEqual(new Uint32Array(data.buffer));
    }
    expect(Object.entries(metadata).sort()).toEqual(Object.entries(METADATA).sort());
  });

  it('are read from the middle of a buffer, at an odd address', () => {
    const bytes = encodeSafetensors(ARRAYS, METADATA);
    const larger = new Uint8Array(bytes.length + 11).fill(0xee);
    larger.set(bytes, 3);
    expect(decodeSafetensors(larger.subarray(3, 3 + bytes.length))).toEqual(decodeSafetensors(bytes));
  });

  it('give equal bytes for equal content, whatever the order it was put together in', () => {
    const reversed = Object.fromEntries(Object.entries(ARRAYS).reverse());
    const metadata = Object.fromEntries(Object.entries(METADATA).reverse());
    expect(encodeSafetensors(reversed, metadata)).toEqual(encodeSafetensors(ARRAYS, METADATA));
  });

  it('begin at a multiple of eight bytes', () => {
    const bytes = encodeSafetensors({ w: { shape: [1], data: Float32Array.of(1) } }, { odd: 'length' });
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });

  it('written by the Python package are read', () => {
    const { arrays, metadata } = decodeSafetensors(fixture('python.safetensors'));
    const counting = (shape: number[], length: number) => ({
      shape,
      data: Float32Array.from({ length }, (_, i) => i / 8 - 1),
    });
    expect(arrays).toEqual({
      'stem.weight': counting([3, 3, 1, 2], 18),
      'layer1.bias': counting([5], 5),
      scalar: counting([], 1),
      empty: counting([0, 4], 0),
    });
    expect(metadata).toEqual({ écrit: 'par Python', format: 'np' });
  });

  it('without tensors and without metadata are read', () => {
    expect(decodeSafetensors(file({}))).toEqual({ arrays: {}, metadata: {} });
  });
});

describe('a damaged file', () => {
  const originals = [fixture('python.safetensors'), encodeSafetensors(ARRAYS, METADATA)];
  /** Bytes that turn JSON into other JSON far more often than a random one. */
  const STRUCTURAL = new TextEncoder().encode('{}[]",:-.0123456789eE ntfu\\');

  /** The m-th mutation: one to four bytes of the first 400 overwritten, removed or doubled. */
  function mutated(m: number): Uint8Array {
    const key = Uint32Array.from(deriveKey(1, 'damaged-weights', m));
    const bytes = [...originals[m % originals.length]];
    for (let edit = 0; edit <= m % 4; edit++) {
      const [where, what, kind, byte] = philox4x32(Uint32Array.of(edit, 0, 0, 0), key);
      const at = where % Math.min(bytes.length, 400);
      const value = what % 4 === 0 ? byte % 256 : STRUCTURAL[byte % STRUCTURAL.length];
      if (kind % 4 === 0) bytes.splice(at, 1);
      else if (kind % 4 === 1) bytes.splice(at, 0, value);
      else bytes[at] = value;
    }
    return Uint8Array.from(bytes);
  }

  it('is read or refused with a WeightsError, never anything else: 5,000 mutations', () => {
    let read = 0;
    for (let m = 0; m < 5000; m++) {
      try {
        for (const { shape, data } of Object.values(decodeSafetensors(mutated(m)).arrays)) {
          expect(data.length).toBe(shape.reduce((product, n) => product * n, 1));
        }
        read++;
      } catch (error) {
        expect(error, `mutation ${m}`).toBeInstanceOf(WeightsError);
      }
    }
    // Both ends are reached: letters of names and values may change without harm, structure may not.
    expect(read).toBeGreaterThan(100);
    expect(read).toBeLessThan(4000);
  });
});
