import type { ImageShape } from '../../data/catalogue.ts';
import type { WideResNet } from './wideResNetShape.ts';

/** One convolution of a WideResNet, for counting work. */
interface Convolution {
  readonly kernel: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Places of its output, H·W; and of its input. */
  readonly outputPlaces: number;
  readonly inputPlaces: number;
}

const STEM_CHANNELS = 16;

function convolutionsOf(
  { blocks, width }: WideResNet,
  { height, width: columns, channels }: ImageShape,
): Convolution[] {
  const placesAt = (stage: number): number => Math.ceil(height / 2 ** stage) * Math.ceil(columns / 2 ** stage);
  const full = placesAt(0);
  const all: Convolution[] = [
    { kernel: 3, inputs: channels, outputs: STEM_CHANNELS, outputPlaces: full, inputPlaces: full },
  ];
  let inputs = STEM_CHANNELS;
  let inputPlaces = full;
  blocks.forEach((count, stage) => {
    const outputs = STEM_CHANNELS * 2 ** stage * width;
    const outputPlaces = placesAt(stage);
    for (let block = 0; block < count; block++) {
      all.push({ kernel: 3, inputs, outputs, outputPlaces, inputPlaces });
      all.push({ kernel: 3, inputs: outputs, outputs, outputPlaces, inputPlaces: outputPlaces });
      if (inputs !== outputs || inputPlaces !== outputPlaces) {
        all.push({ kernel: 1, inputs, outputs, outputPlaces, inputPlaces });
      }
      inputs = outputs;
      inputPlaces = outputPlaces;
    }
  });
  return all;
}

/** Floating-point operations of one image's forward pass, a multiply-add as two; convolutions alone, the rest is below 1 %. */
export function forwardFlops(net: WideResNet, image: ImageShape): number {
  return convolutionsOf(net, image).reduce(
    (sum, { kernel, inputs, outputs, outputPlaces }) => sum + 2 * kernel ** 2 * inputs * outputs * outputPlaces,
    0,
  );
}

/**
 * Bytes that one image's forward pass moves at the least when every convolution reads its input from memory and writes its output
 * there, with norm, ReLU and addition fused into them; weights are left out, since a batch shares them.
 */
export function forwardBytes(net: WideResNet, image: ImageShape, bytesPerValue: number): number {
  return convolutionsOf(net, image).reduce(
    (sum, { inputs, outputs, outputPlaces, inputPlaces }) =>
      sum + bytesPerValue * (inputs * inputPlaces + outputs * outputPlaces),
    0,
  );
}
