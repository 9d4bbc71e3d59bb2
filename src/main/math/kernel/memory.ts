import { BINARY } from './binary.ts';

/** What assembly/index.ts exports: addresses, in bytes, and numbers of values. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly reserve: (bytes: number) => number;
  readonly release: (from: number) => void;
  readonly pack: (...numbers: number[]) => void;
  readonly panelsOf: (rows: number, columns: number) => number;
  readonly product: (...numbers: number[]) => void;
  readonly timesVector: (...numbers: number[]) => void;
  // What bounds are made of, for tests: the module calls them itself.
  readonly differences: (...numbers: number[]) => void;
  readonly weightedSums: (...numbers: number[]) => void;
  readonly leastOverBox: (...numbers: number[]) => void;
  readonly intervalSums: (...numbers: number[]) => void;
  readonly sortFloats: (...numbers: number[]) => void;
  readonly philox: (...numbers: number[]) => void;
  readonly boxMuller: (...numbers: number[]) => void;
  readonly newHead: (steps: number) => number;
  readonly denseStep: (...numbers: number[]) => void;
  readonly compareStep: (...numbers: number[]) => void;
  readonly lastLevel: (head: number, classes: number) => void;
  readonly lowerOf: (head: number) => number;
  readonly upperOf: (head: number) => number;
  readonly intervalMargins: (...numbers: number[]) => void;
  readonly linearMargins: (...numbers: number[]) => number;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};
declare const atob: (base64: string) => string;

let loaded: Exports | null = null;

/** The module, compiled when it is asked for first. */
export function kernel(): Exports {
  return (loaded ??= load());
}

function load(): Exports {
  const bytes = Uint8Array.from(atob(BINARY), (character) => character.charCodeAt(0));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
}

export const DOUBLE = 8;
const WORD = 4;

/** Lends room in the kernel's memory, which is given back afterwards. What is to stay is reserved outside of this. */
export function withRoom<T>(body: (room: Room) => T): T {
  const { reserve, release } = kernel();
  const from = reserve(0);
  try {
    return body(room);
  } finally {
    release(from);
  }
}

export interface Room {
  /** Room for so many doubles, or for those given, which are copied there; its address. */
  readonly doubles: (values: number | ArrayLike<number>) => number;
  readonly words: (values: ArrayLike<number>) => number;
}

/** On the kernel's stack. */
export const room: Room = {
  doubles(values) {
    const at = kernel().reserve(DOUBLE * (typeof values === 'number' ? values : values.length));
    if (typeof values !== 'number') writeDoubles(at, values);
    return at;
  },
  words(values) {
    const at = kernel().reserve(WORD * values.length);
    new Int32Array(kernel().memory.buffer, at, values.length).set(values);
    return at;
  },
};

export function writeDoubles(at: number, values: ArrayLike<number>): void {
  new Float64Array(kernel().memory.buffer, at, values.length).set(values);
}

/** A copy. */
export function readDoubles(at: number, length: number): Float64Array {
  return new Float64Array(kernel().memory.buffer, at, length).slice();
}
