import { EXTRACTOR_PRESETS, type ExtractorPreset } from '../../src/shared/config.ts';
import { WIDE_RES_NETS } from '../../src/main/engine/models/wideResNetShape.ts';
import { conditionsOf } from '../conditions.ts';
import { publish } from '../document.ts';
import { PRESET, trainExperiment, type Experiment } from '../experiment.ts';
import { forwardFlops } from '../../src/main/engine/models/wideResNetWork.ts';
import { alternate, type Contestant } from '../measure.ts';
import type { Options } from '../options.ts';
import { fitLine } from '../statistics.ts';
import { markdownTable, signedPercent, spread, threeFigures } from '../table.ts';
import { certify, UNCOUNTED, withHost, type CertificationWork, type Host } from '../works/certification.ts';

const DRAWS = [250, 500, 1000, 2000, 4000, 10_000] as const;
const INSTANCES = [2, 4, 8, 16] as const;
const PRESETS = ['wrn-10-1', 'wrn-10-2', 'wrn-16-4'] as const satisfies readonly (typeof EXTRACTOR_PRESETS)[number][];
const HEADS = [1, 6, 12] as const;
const IMAGE = { height: 28, width: 28, channels: 1 };
/** Departures below this are noise and rounding of batches, not a cost that grows otherwise. */
const LINEAR_WITHIN = 0.1;

/** One quantity that grows, at some sizes. */
interface Axis {
  readonly name: string;
  /** What the points are, in words. */
  readonly quantity: string;
  /** What x counts. */
  readonly unit: string;
  /** What is timed at each x. */
  readonly timed: string;
  readonly points: readonly { readonly label: string; readonly x: number; readonly contestant: Contestant }[];
}

/** How the time of certification grows, and where that is not linear. */
export async function scaling(options: Options): Promise<void> {
  await withHost(async (host) => {
    console.log(`Training the experiments (${PRESETS.join(', ')}) …`);
    const experiments = new Map<ExtractorPreset, Experiment>();
    for (const preset of PRESETS) {
      experiments.set(preset, await trainExperiment(host.engines, preset, preset === PRESET ? 'trained' : 'initial'));
    }
    const sections: string[] = [conditionsOf(host.engines.backend)];
    for (const axis of axesOf(host, experiments)) {
      if (!axis.name.includes(options.only)) continue;
      console.log(`${axis.name} …`);
      sections.push(await measuredAxis(axis, options));
    }
    publish('scaling', sections.join('\n\n'), options);
  });
}

function axesOf(host: Host, experiments: ReadonlyMap<ExtractorPreset, Experiment>): Axis[] {
  const usual = experiments.get(PRESET)!;
  const { engines } = host.engines.backend;
  const first = (count: number): Int32Array => usual.instances.subarray(0, count);
  /** So many for each engine, and those around them that are not counted. */
  const ofEach = (count: number): Int32Array => first(engines * (count + UNCOUNTED));
  const each = (work: CertificationWork): Contestant => certifying(host, work, 'each');
  return [
    {
      name: 'draws',
      quantity: 'estimation draws, and 100 for selection',
      unit: 'draws of both kinds',
      timed: 'an instance, six heads',
      points: DRAWS.map((draws) => ({
        label: String(draws),
        x: draws + usual.config.certification.selectionDraws,
        contestant: each({ experiment: usual, heads: usual.heads, instances: ofEach(1), settings: { draws } }),
      })),
    },
    {
      name: 'instances',
      quantity: 'instances',
      unit: 'instances',
      timed: 'the whole job, graphs included',
      points: INSTANCES.map((count) => ({
        label: String(count),
        x: count,
        contestant: certifying(host, { experiment: usual, heads: usual.heads, instances: first(count) }, 'total'),
      })),
    },
    {
      name: 'width',
      quantity: 'GFLOP of a forward pass',
      unit: 'GFLOP',
      timed: 'an instance, 500 draws, six heads',
      points: PRESETS.map((preset) => {
        const experiment = experiments.get(preset)!;
        const gigaflops = forwardFlops(WIDE_RES_NETS[preset], IMAGE) / 1e9;
        return {
          label: `${preset} (${threeFigures(gigaflops)})`,
          x: gigaflops,
          contestant: each({ experiment, heads: experiment.heads, instances: ofEach(1) }),
        };
      }),
    },
    {
      name: 'heads',
      quantity: 'heads',
      unit: 'heads',
      timed: 'an instance, 500 draws',
      points: HEADS.map((count) => ({
        label: String(count),
        x: count,
        contestant: each({ experiment: usual, heads: repeated(usual.heads, count), instances: ofEach(2) }),
      })),
    },
  ];
}

const certifying = (host: Host, work: CertificationWork, time: 'each' | 'total'): Contestant => ({
  name: time,
  repeat: async () => (await certify(host, work))[time],
});

/** So many heads under names of their own; a head that comes again costs what another one would. */
function repeated(heads: Experiment['heads'], count: number): Experiment['heads'] {
  return Array.from({ length: count }, (_, i) => ({ ...heads[i % heads.length], id: `head ${i}` }));
}

async function measuredAxis({ quantity, unit, timed, points }: Axis, { repetitions }: Options): Promise<string> {
  const measured = await alternate(
    points.map(({ contestant }) => contestant),
    repetitions,
  );
  const { fixed, each, departures } = fitLine(points.map(({ x }, i) => ({ x, time: measured[i].time.median })));
  const table = markdownTable(
    [quantity, `ms of ${timed}`, 'departure from the line'],
    points.map(({ label }, i) => [label, spread(measured[i].time), signedPercent(departures[i])]),
  );
  const bent = points.filter((_, i) => Math.abs(departures[i]) > LINEAR_WITHIN).map(({ label }) => label);
  const line = `Line: ${threeFigures(fixed)} ms + ${threeFigures(each)} ms × ${unit}`;
  const verdict =
    bent.length === 0
      ? `linear within ${100 * LINEAR_WITHIN} %.`
      : `departs from linear by more than ${100 * LINEAR_WITHIN} % at ${bent.join(', ')}.`;
  return `${table}\n\n${line}; ${verdict}`;
}
