import { expect, it } from 'vitest';
import { devicesOf, mixedDevices } from '../../../src/main/workbench/studies/devices.ts';
import type { StageRecord } from '../../../src/main/store/tables/stage.ts';

const stage = (id: number, environment: unknown, status = 'done'): StageRecord =>
  ({ id, environment, status }) as StageRecord;
const on = (device: string): unknown => ({ name: 'tensorflow', devices: [device, device] });

it('a study names the devices that computed it where they are of several kinds', () => {
  const runs = [
    { stages: [stage(1, on('GPU: A100')), stage(2, on('GPU: H100')), stage(3, on('GPU: V100'), 'running')] },
    // Shared with the other run, and from before stages said it.
    { stages: [stage(1, on('GPU: A100')), stage(4, on('GPU: A100')), stage(5, null)] },
  ];
  const devices = devicesOf(runs);
  expect(devices).toEqual([
    { device: 'GPU: A100', count: 2 },
    { device: 'GPU: H100', count: 1 },
  ]);
  expect(mixedDevices(devices, 'stages')).toEqual([
    'Computed on different devices, on which last digits of results may differ: GPU: A100 (2 stages); GPU: H100 (1 stages).',
  ]);
  expect(mixedDevices(devices.slice(0, 1), 'stages')).toEqual([]);
});
