import { describe, expect, it } from 'vitest';
import { forwardBytes, forwardFlops } from '../../../src/main/engine/models/wideResNetWork.ts';
import { WIDE_RES_NETS } from '../../../src/main/engine/models/wideResNetShape.ts';

const CIFAR = { height: 32, width: 32, channels: 3 };

describe('work of a forward pass', () => {
  it('of wrn-28-10 on CIFAR is the 5.2 billion multiply-adds that are published for it', () => {
    expect(forwardFlops(WIDE_RES_NETS['wrn-28-10'], CIFAR) / 2e9).toBeCloseTo(5.24, 1);
  });
  it('of the smallest net is the sum over its convolutions', () => {
    // On 4×4: stem 1→16, then 16→16 twice (no projection), 16→32 and 32→32 on 2×2, 32→64 and 64→64 on 1×1, with projections.
    const places = [16, 16, 16, 4, 4, 4, 1, 1, 1];
    const weights = [9 * 16, 9 * 256, 9 * 256, 9 * 512, 9 * 1024, 512, 9 * 2048, 9 * 4096, 2048];
    const expected = places.reduce((sum, n, i) => sum + 2 * n * weights[i], 0);
    expect(forwardFlops(WIDE_RES_NETS['wrn-10-1'], { height: 4, width: 4, channels: 1 })).toBe(expected);
  });
  it('halves its bytes with the size of a value', () => {
    const net = WIDE_RES_NETS['wrn-10-2'];
    expect(forwardBytes(net, CIFAR, 2)).toBe(forwardBytes(net, CIFAR, 4) / 2);
  });
});
