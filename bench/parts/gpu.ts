import { deriveKey, fillStandardNormal } from '../../src/main/math/philox.ts';
import { openBackend, type OpenBackend } from '../../src/main/engine/backends/openBackend.ts';
import { initialExtractor } from '../../src/main/engine/models/wideResNet.ts';
import { WIDE_RES_NETS } from '../../src/main/engine/models/wideResNetShape.ts';
import { extractorPresetSchema } from '../../src/shared/config.ts';
import { conditionsOf } from '../conditions.ts';
import { publish } from '../document.ts';
import { forwardFlops } from '../../src/main/engine/models/wideResNetWork.ts';
import { alternate, type Contestant } from '../measure.ts';
import type { Options } from '../options.ts';
import { estimateOf, ROOFS, UTILISATION } from '../roofline.ts';
import { markdownTable, spread, threeFigures } from '../table.ts';
import { contestantOf, inBfloat16, inferenceStep, type BatchInputs, type Step } from '../works/steps.ts';

/** The paper's scale: test instances of a domain, and draws of each. */
const PAPER_INSTANCES = 1000;
const PAPER_DRAWS = 500;
const PAPER_ROWS = PAPER_INSTANCES * PAPER_DRAWS;
const PAPER_NET = WIDE_RES_NETS['wrn-32-10'];
const PAPER_IMAGE = { height: 28, width: 28, channels: 1 };

type InferenceInputs = Pick<BatchInputs, 'net' | 'extractor' | 'images' | 'shape'>;

/** Inference of a wide extractor on whichever backend serves, and what the paper's scale would take at that rate. */
export async function gpu(options: Options): Promise<void> {
  publish('gpu-estimate', estimates(), options);
  const backend = await openBackend();
  const preset = extractorPresetSchema.parse(options.preset);
  const image = { height: options.side, width: options.side, channels: 1 };
  const flops = forwardFlops(WIDE_RES_NETS[preset], image);
  console.log(`\n${preset} on ${backend.devices.join(', ')}, batch ${options.batch} …`);
  const rows = await measuredRows(backend, options, { inputs: inputsOf(options), flops });
  const title = `${preset}, ${options.side}×${options.side}×1, ${threeFigures(flops / 1e9)} GFLOP an image, batch ${options.batch}.`;
  const hours = `${PAPER_INSTANCES} instances × ${PAPER_DRAWS} draws at this rate, hours`;
  const table = markdownTable(['inference', 'ms a batch', 'TFLOP/s', hours], rows);
  const onGpu = backend.devices.some((device) => device.startsWith('GPU'));
  publish('gpu-measured', [`${conditionsOf(backend)} ${title}`, table].join('\n\n'), { write: options.write && onGpu });
  if (options.write && !onGpu) console.log('\nNot written: the section is for GPUs, and none served.');
}

function inputsOf({ preset, side, batch }: Options): InferenceInputs {
  const net = WIDE_RES_NETS[extractorPresetSchema.parse(preset)];
  const images = new Float32Array(batch * side * side);
  fillStandardNormal(images, deriveKey(1, 'bench-images'), 0);
  return { net, extractor: initialExtractor(net, 1, 1), images, shape: [batch, side, side, 1] };
}

async function measuredRows(
  { name }: OpenBackend,
  { batch, repetitions }: Options,
  { inputs, flops }: { readonly inputs: InferenceInputs; readonly flops: number },
): Promise<string[][]> {
  const steps: [string, Step<Float32Array>][] = [['float32 (TF32 where the GPU has it)', inferenceStep(inputs)]];
  // Graphs alone can be in bfloat16, and TensorFlow alone has graphs.
  if (name === 'tensorflow') steps.push(['bfloat16', inferenceStep(inputs, inBfloat16)]);
  try {
    const contestants = steps.map(([title, step]): Contestant => contestantOf({ name: title, calls: 1 }, step));
    const measured = await alternate(contestants, repetitions);
    return measured.map(({ name: title, time }) => {
      const perSecond = 1000 / time.median;
      const hours = PAPER_ROWS / batch / perSecond / 3600;
      return [title, spread(time), threeFigures((batch * flops * perSecond) / 1e12), threeFigures(hours)];
    });
  } finally {
    for (const [, step] of steps) step.dispose();
  }
}

/** What data sheets promise for the paper's own extractor and scale; nothing here is measured. */
function estimates(): string {
  const flops = forwardFlops(PAPER_NET, PAPER_IMAGE);
  const work = { net: PAPER_NET, image: PAPER_IMAGE, rows: PAPER_ROWS };
  const rows = ROOFS.map((roof) => {
    const { arithmeticFloor, memoryFloor, estimate } = estimateOf(roof, work);
    const minutes = [arithmeticFloor, memoryFloor, estimate].map((seconds) => threeFigures(seconds / 60));
    return [roof.gpu, roof.arithmetic, threeFigures(roof.teraflops), ...minutes];
  });
  const total = `${PAPER_INSTANCES} instances × ${PAPER_DRAWS} draws × ${threeFigures(flops / 1e9)} GFLOP`;
  const assumption =
    `**Estimates, not measurements.** wrn-32-10 at 28×28×1: ${total} = ${threeFigures((flops * PAPER_ROWS) / 1e15)} PFLOP a domain. ` +
    `Data-sheet rates; the estimate is the longer of the arithmetic at ${100 * UTILISATION} % of the peak and the memory's floor. ` +
    '100 separate selection draws an instance add a fifth.';
  const header = [
    'GPU',
    'arithmetic',
    'peak TFLOP/s',
    'minutes at the peak',
    'memory floor, minutes',
    'estimate, minutes',
  ];
  return `${assumption}\n\n${markdownTable(header, rows)}`;
}
