import { describe, expect, it } from 'vitest';
import { forwardBytes, forwardFlops } from '../../src/main/engine/models/wideResNetWork.ts';
import { estimateOf, UTILISATION } from '../../bench/roofline.ts';
import { WIDE_RES_NETS } from '../../src/main/engine/models/wideResNetShape.ts';

const work = { net: WIDE_RES_NETS['wrn-10-2'], image: { height: 28, width: 28, channels: 1 }, rows: 1000 };
const roof = { gpu: 'a GPU', arithmetic: 'float32', teraflops: 1, terabytes: 1 } as const;
const flops = 1000 * forwardFlops(work.net, work.image);
const bytes = 1000 * forwardBytes(work.net, work.image, 4);

describe('an estimate', () => {
  it('is the arithmetic at the assumed share of the peak where memory keeps up', () => {
    const fast = { ...roof, terabytes: 1000 };
    expect(estimateOf(fast, work).estimate).toBeCloseTo(flops / 1e12 / UTILISATION, 12);
  });
  it('is the memory floor where memory does not keep up', () => {
    const slow = { ...roof, terabytes: 0.001 };
    expect(estimateOf(slow, work).estimate).toBeCloseTo(bytes / 1e9, 12);
  });
  it('never is below either floor', () => {
    const { arithmeticFloor, memoryFloor, estimate } = estimateOf(roof, work);
    expect(estimate).toBeGreaterThanOrEqual(arithmeticFloor);
    expect(estimate).toBeGreaterThanOrEqual(memoryFloor);
  });
});
