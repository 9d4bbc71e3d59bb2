// AssemblyScript, compiled to ../binary.ts by `npm run build:kernel`: sums of products in 128-bit vectors of two doubles, which no JavaScript reaches, the bounds that are made of them, normals and a sort. Every argument is an
// address in the module's memory or a number of values; all values that are not said to be others are doubles, and matrices lie row by row. Nothing is fused, so every processor gives the same bits.
export { compareStep, denseStep, lastLevel, lowerOf, newHead, upperOf } from './head';
export { intervalMargins, linearMargins } from './margins';
export { release, reserve } from './memory';
export { boxMuller, philox } from './normals';
export { sortFloats } from './sorting';
export { differences, intervalSums, leastOverBox, pack, panelsOf, product, timesVector, weightedSums } from './sums';
