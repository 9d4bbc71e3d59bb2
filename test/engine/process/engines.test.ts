import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentConfigSchema, type HeadSpec } from '../../../src/shared/config.ts';
import { EngineError, JobCancelled } from '../../../src/main/engine/process/client.ts';
import { startEngines, type Engines } from '../../../src/main/engine/process/engines.ts';
import type { Job, JobEvent, NamedHead, TransferSpec } from '../../../src/main/engine/process/protocol.ts';
import { initialHead } from '../../../src/main/engine/models/head.ts';
import { initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { representationSize, WIDE_RES_NETS } from '../../../src/main/engine/models/wideResNetShape.ts';
import { rejection } from './rejection.ts';

const TRANSFER: TransferSpec = {
  source: { dataset: 'fashion-mnist', trainingInstances: 200 },
  target: { dataset: 'mnist', trainingInstances: 200, size: 'source' },
  seed: 1,
};
const CONFIG = experimentConfigSchema.parse({
  name: 'divided',
  source: { dataset: 'fashion-mnist', trainingInstances: 200 },
  target: { dataset: 'mnist', trainingInstances: 200 },
  extractor: { preset: 'wrn-10-1' },
  training: {},
  heads: [{ layers: 1, constraint: 'none' }],
  noiseAttack: { draws: 5, epsilon: 1 },
  pgd: { steps: 3, epsilon: 1 },
  adversarialSearch: { steps: 3 },
  certification: { draws: 60, selectionDraws: 20 },
});
const NET = WIDE_RES_NETS['wrn-10-1'];
const SPEC: HeadSpec = CONFIG.heads[0];
const SHAPE = { spec: SPEC, inputs: representationSize(NET), classes: 10 };
const INDICES = Int32Array.from({ length: 7 }, (_, i) => 5 * i);

/** An untrained head is as good as any: what is compared is who computes it. */
function head(): NamedHead {
  const arrays = initialHead(SHAPE, 1);
  const [weight, bias] = [arrays['layer1.direction'].data, arrays['layer1.bias'].data];
  const layer = { inputs: SHAPE.inputs, outputs: SHAPE.classes, weight, bias };
  return { id: 'a', weights: { constraint: 'none', bound: 1, groupSize: 2, layers: [layer] } };
}
const onExtractor = {
  transfer: TRANSFER,
  config: CONFIG,
  extractor: initialExtractor(NET, 1, 1),
  domain: 'target',
} as const;
const LACKING = Array.from(INDICES, (datasetIndex) => ({ datasetIndex, heads: ['a'] }));
const JOBS: Readonly<Record<string, Job>> = {
  predict: { kind: 'predict', ...onExtractor, heads: [head()], indices: INDICES },
  'noise-attack': { kind: 'noise-attack', ...onExtractor, heads: [head()], instances: LACKING },
  pgd: { kind: 'pgd', ...onExtractor, head: head(), indices: INDICES },
  'adversarial-search': { kind: 'adversarial-search', ...onExtractor, head: head(), indices: INDICES },
  certify: {
    kind: 'certify',
    ...onExtractor,
    heads: [head()],
    instances: LACKING,
  },
};
/** Would take minutes: whoever awaits it must stop it. */
const LONG: Job = {
  ...(JOBS['certify'] as Extract<Job, { kind: 'certify' }>),
  instances: Array.from({ length: 1000 }, (_, datasetIndex) => ({ datasetIndex, heads: ['a'] })),
};

async function start(engines: number): Promise<Engines> {
  return startEngines({ ...process.env, PTW_BACKEND: 'wasm', PTW_ENGINES: `${engines}` });
}
async function eventsOf(engines: Engines, job: Job): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  await engines.run([job], (event) => events.push(event));
  return events;
}

/** All that a job found, by instance. */
function foundBy(events: readonly JobEvent[]): unknown[] {
  const records = events.flatMap((event): { readonly datasetIndex: number }[] => {
    if (event.kind === 'certificates') return event.certified.flatMap((ofHead) => [...ofHead.records]);
    return 'records' in event ? [...event.records] : [];
  });
  return [...records].sort((a, b) => a.datasetIndex - b.datasetIndex);
}

describe('two engines', () => {
  let [one, two]: readonly Engines[] = [];
  beforeAll(async () => {
    [one, two] = await Promise.all([start(1), start(2)]);
  });
  afterAll(() => Promise.all([one.close(), two.close()]));

  it('start with the first job that has parts for them', async () => {
    expect(two.backend.engines).toBe(2);
    expect(two.pids()).toHaveLength(1);
    await two.run(
      [
        {
          kind: 'describe',
          transfer: TRANSFER,
          instances: 20,
          attacked: { noiseAttack: 10, pgd: 10, adversarialSearch: 10 },
        },
      ],
      () => undefined,
    );
    expect(two.pids()).toHaveLength(1);
    await eventsOf(two, JOBS['predict']);
    expect(new Set(two.pids()).size).toBe(2);
  });

  it.each(Object.keys(JOBS))('find with %s what one finds, bit for bit, and count it up to the end', async (kind) => {
    const alone = await eventsOf(one, JOBS[kind]);
    const divided = await eventsOf(two, JOBS[kind]);
    expect(foundBy(alone).length).toBeGreaterThanOrEqual(INDICES.length);
    expect(foundBy(divided)).toEqual(foundBy(alone));
    const progress = divided.flatMap((event) => (event.kind === 'progress' ? [event] : []));
    const counts = progress.map(({ done }) => done);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(progress.every(({ total }) => total === INDICES.length)).toBe(true);
    expect(progress.at(-1)).toMatchObject({ done: INDICES.length });
  });

  it('stop together, when told to or when the host cannot take an event, and serve on', async () => {
    const controller = new AbortController();
    const stopped = two.run([LONG], ({ kind }) => kind === 'progress' && controller.abort(), controller.signal);
    expect(await rejection(stopped)).toBeInstanceOf(JobCancelled);
    const full = new Error('the disk is full');
    let events = 0;
    const refused = two.run([LONG], () => {
      events++;
      throw full;
    });
    expect(await rejection(refused)).toBe(full);
    expect(events).toBe(1);
    expect(foundBy(await eventsOf(two, JOBS['predict']))).toHaveLength(INDICES.length);
  });
});

describe('when one of two engines dies', () => {
  it('the job fails with that and the other stops; closing ends both', async () => {
    const two = await start(2);
    await eventsOf(two, JOBS['predict']);
    const [, second] = two.pids();
    let killed = false;
    const error = await rejection(
      two.run([LONG], () => {
        if (!killed) process.kill(second, 'SIGKILL');
        killed = true;
      }),
    );
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(/^the engine was ended by SIGKILL/);
    await two.close();
    for (const pid of two.pids()) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

describe('an impossible number of engines', () => {
  it('is refused before anything starts', async () => {
    const error = await rejection(startEngines({ ...process.env, PTW_ENGINES: 'two' }));
    expect(error).toBeInstanceOf(RangeError);
  });
});
