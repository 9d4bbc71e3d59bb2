import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';

/** MozJPEG's decoder, which is libjpeg-turbo's, as WebAssembly: the pixels that Pillow gives, to the last bit. */
export interface JpegDecoder {
  /**
   * RGBA, turned as the EXIF orientation says.
   * @returns null where the decoder gives nothing
   * @throws what the decoder ends itself with; it must not be used again then
   */
  decode(
    bytes: Uint8Array,
  ): { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray } | null;
  /** What libjpeg complained of since the last call: damage that it decodes over. */
  complaints(): string[];
  /** Bytes of its memory, which never shrinks. */
  memory(): number;
}

/** As much of WebAssembly's own interface as is used: the types of Node leave it to those of browsers. */
interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => Instance;
    readonly Memory: new () => { readonly buffer: ArrayBuffer };
  };
};

/** What the module's own script makes of the object that it is given. */
interface EmscriptenModule {
  noInitialRun: boolean;
  instantiateWasm: (imports: object, ready: (instance: Instance) => void) => Instance['exports'];
  printErr: (text: string) => void;
  decode?: (bytes: Uint8Array, turned: boolean) => ReturnType<JpegDecoder['decode']>;
}

let compiled: object | null = null;

/** A decoder of its own memory. It takes some milliseconds. */
export function createJpegDecoder(): JpegDecoder {
  compiled ??= new WebAssembly.Module(
    readFileSync(createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')),
  );
  const code = compiled;
  let said: string[] = [];
  let memory: { readonly buffer: ArrayBuffer } | undefined;
  const module: EmscriptenModule = {
    noInitialRun: true,
    // Instantiated here and now, the script is done when it returns; its promise only says so later.
    instantiateWasm(imports, ready) {
      const instance = new WebAssembly.Instance(code, imports);
      memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
      ready(instance);
      return instance.exports;
    },
    printErr: (text) => said.push(text),
  };
  void (factory as unknown as (module: EmscriptenModule) => Promise<unknown>)(module);
  const { decode } = module;
  if (decode === undefined) throw new Error('internal: the JPEG decoder did not start at once');
  return {
    decode: (bytes) => decode(bytes, true),
    complaints: () => {
      const all = said;
      said = [];
      return all;
    },
    memory: () => memory?.buffer.byteLength ?? 0,
  };
}
