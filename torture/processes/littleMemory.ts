// Imported before an engine: its WebAssembly may not take more memory than it begins with.
interface Descriptor {
  readonly initial: number;
}
type MemoryClass = new (descriptor: Descriptor & { readonly maximum: number }) => object;

const wasm = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: MemoryClass } }).WebAssembly;
const Whole = wasm.Memory;

Object.defineProperty(wasm, 'Memory', {
  value: class extends Whole {
    constructor(descriptor: Descriptor) {
      super({ ...descriptor, maximum: descriptor.initial });
    }
  },
});
