/** A NumPy file (format 1.0) of float32 values. @param values row-major */
export function encodeNpy(shape: readonly number[], values: Float32Array): Uint8Array {
  // Python writes a tuple of one with a comma.
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Ten bytes before the header; together they are a multiple of 64, so that the values are aligned.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + 4 * values.length);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  const view = new DataView(bytes.buffer, 10 + header.length);
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return bytes;
}
