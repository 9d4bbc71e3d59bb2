import type { ImageShape } from '../src/main/data/catalogue.ts';
import type { WideResNet } from '../src/main/engine/models/wideResNetShape.ts';
import { forwardBytes, forwardFlops } from '../src/main/engine/models/wideResNetWork.ts';

/** A way for a GPU to compute, at its data sheet's rate for dense matrices. */
export interface Roof {
  readonly gpu: string;
  readonly arithmetic: 'float32' | 'TF32' | 'bfloat16';
  readonly teraflops: number;
  readonly terabytes: number;
}

/** Rates and bandwidths of NVIDIA's data sheets: dense, and for bfloat16 with float32 accumulation. */
export const ROOFS: readonly Roof[] = [
  { gpu: 'H100 SXM', arithmetic: 'float32', teraflops: 66.9, terabytes: 3.35 },
  { gpu: 'H100 SXM', arithmetic: 'TF32', teraflops: 494.7, terabytes: 3.35 },
  { gpu: 'H100 SXM', arithmetic: 'bfloat16', teraflops: 989.4, terabytes: 3.35 },
  { gpu: 'A100 SXM', arithmetic: 'float32', teraflops: 19.5, terabytes: 2.04 },
  { gpu: 'A100 SXM', arithmetic: 'TF32', teraflops: 156, terabytes: 2.04 },
  { gpu: 'A100 SXM', arithmetic: 'bfloat16', teraflops: 312, terabytes: 2.04 },
  { gpu: 'RTX 4090', arithmetic: 'float32', teraflops: 82.6, terabytes: 1.01 },
  { gpu: 'RTX 4090', arithmetic: 'TF32', teraflops: 82.6, terabytes: 1.01 },
  { gpu: 'RTX 4090', arithmetic: 'bfloat16', teraflops: 165.2, terabytes: 1.01 },
];

/** The share of a peak rate that convolutions of this size are assumed to reach. An assumption, not a measurement. */
export const UTILISATION = 0.4;

/** Seconds of forward passes over `rows` images. */
export interface Estimate {
  /** All arithmetic at the peak rate. */
  readonly arithmeticFloor: number;
  /** All traffic between convolutions at the full bandwidth. */
  readonly memoryFloor: number;
  /** The longer of the arithmetic at UTILISATION of the peak and the memory's floor. */
  readonly estimate: number;
}

export function estimateOf(
  { arithmetic, teraflops, terabytes }: Roof,
  { net, image, rows }: { readonly net: WideResNet; readonly image: ImageShape; readonly rows: number },
): Estimate {
  const arithmeticFloor = (rows * forwardFlops(net, image)) / (teraflops * 1e12);
  const memoryFloor = (rows * forwardBytes(net, image, arithmetic === 'bfloat16' ? 2 : 4)) / (terabytes * 1e12);
  return { arithmeticFloor, memoryFloor, estimate: Math.max(arithmeticFloor / UTILISATION, memoryFloor) };
}
