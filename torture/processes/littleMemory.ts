// Imported before an engine: its WebAssembly may take so much memory and no more.
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
const { prototype } = (
  globalThis as unknown as { readonly WebAssembly: { readonly Memory: { readonly prototype: Memory } } }
).WebAssembly.Memory;

const MOST_BYTES = 40 << 20;
const PAGE_BYTES = 1 << 16;
// eslint-disable-next-line @typescript-eslint/unbound-method -- called on the memory that is to grow
const { grow } = prototype;

prototype.grow = function (this: Memory, pages) {
  if (this.buffer.byteLength + pages * PAGE_BYTES > MOST_BYTES) throw new RangeError('no more memory may be had');
  return grow.call(this, pages);
};
