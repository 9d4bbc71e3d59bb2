import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../src/shared/api/wire.ts';

describe('values on the wire', () => {
  it.each([
    ['{"$number":"7"}', 'expected NaN, Infinity, -Infinity or -0'],
    ['{"$number":null}', 'expected NaN, Infinity, -Infinity or -0'],
    ['{"$array":"float16","data":""}', 'got an array of float16, expected uint8, int32, float32, float64'],
    ['{"$array":"toString","data":""}', 'got an array of toString'],
    ['{"$array":"float32","data":7}', 'got an array of float32'],
  ])('refuses %s', (text, message) => {
    expect(() => decode(text)).toThrow(message);
  });

  it('refuses bytes that are no whole number of elements', () => {
    expect(() => decode('{"$array":"float64","data":"AAAA"}')).toThrow(RangeError);
  });

  it('refuses to encode other typed arrays', () => {
    expect(() => encode(new BigInt64Array(1))).toThrow('got BigInt64Array, expected uint8, int32, float32, float64');
  });

  it.each([NaN, Infinity, -Infinity, -0, 0, 1e-310])('keeps %s', (value) => {
    expect(decode(encode({ a: [value] }))).toEqual({ a: [value] });
  });

  it('keeps arrays, views into buffers and empty ones too', () => {
    const part = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
    const value = {
      part,
      empty: new Int32Array(0),
      double: new Float64Array([NaN, -0, 1e308]),
      bytes: new Uint8Array(9000),
    };
    expect(decode(encode(value))).toEqual({ ...value, part: new Float32Array([2, 3]) });
  });

  it('keeps whatever JSON can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
    );
  });
});
