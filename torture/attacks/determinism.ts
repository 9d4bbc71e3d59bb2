// Whether an image's representation depends on its row in the batch or on the images beside it: a certificate is about one function of the
// image, so it must not. Of one backend: wasm, as all attacks, unless PTW_BACKEND names another.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../src/main/engine/compile/compile.ts';
import { freeze, extract, initialExtractor } from '../../src/main/engine/models/wideResNet.ts';
import { WIDE_RES_NETS } from '../../src/main/engine/models/wideResNetShape.ts';
import { DRAWS_BATCH } from '../../src/main/engine/smoothing/draws.ts';
import type { Attack } from '../attack.ts';
import { Choices } from '../choices.ts';

const SIDE = 28;
const SIZE = SIDE * SIDE;

export const determinism: Attack = {
  name: 'determinism',
  title: 'no two ways of computing the same draws differ',
  count: 50,
  async run({ seed, count, say }, tally) {
    const backend = await openBackend();
    const net = WIDE_RES_NETS['wrn-10-2'];
    const extractor = freeze(net, initialExtractor(net, 1, seed));
    const step = compile(({ images }: { images: tf.Tensor }) => ({ z: extract(extractor, images as tf.Tensor4D) }));
    say(`backend ${backend.name}, ${DRAWS_BATCH} rows`);
    const choices = new Choices(seed, 'determinism');
    const represented = async (images: Float32Array): Promise<Float32Array> => {
      const input = tf.tensor4d(images, [DRAWS_BATCH, SIDE, SIDE, 1]);
      const { z } = step.run({ images: input });
      const values = await z.data<'float32'>();
      tf.dispose([input, z]);
      return values.slice();
    };
    for (let batch = 0; batch < count; batch++) {
      const images = Float32Array.from({ length: DRAWS_BATCH * SIZE }, () => choices.normal());
      const first = await represented(images);
      const size = first.length / DRAWS_BATCH;
      const again = await represented(images);
      if (!first.every((value, i) => Object.is(value, again[i])))
        tally.violation(`batch ${batch}: twice is not the same`);
      // Every image in another row, among others' neighbours, and some of them replaced.
      const shift = 1 + choices.below(DRAWS_BATCH - 1);
      const moved = new Float32Array(images.length);
      for (let row = 0; row < DRAWS_BATCH; row++) {
        const to = (row * 7 + shift) % DRAWS_BATCH;
        moved.set(images.subarray(row * SIZE, (row + 1) * SIZE), to * SIZE);
      }
      const replaced = choices.below(DRAWS_BATCH);
      for (let i = 0; i < SIZE; i++) moved[replaced * SIZE + i] = choices.normal() * 100;
      const after = await represented(moved);
      for (let row = 0; row < DRAWS_BATCH; row++) {
        const to = (row * 7 + shift) % DRAWS_BATCH;
        if (to === replaced) continue;
        tally.add('representations in another row');
        for (let d = 0; d < size; d++) {
          if (Object.is(first[row * size + d], after[to * size + d])) continue;
          tally.violation(`batch ${batch}: the image of row ${row} is another one in row ${to}`);
          break;
        }
      }
    }
    step.dispose();
  },
};
