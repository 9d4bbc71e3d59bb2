import type { StoredRun } from '../storedRun.ts';

/** What computed, and how much of it. */
export interface DeviceCount {
  readonly device: string;
  readonly count: number;
}

/** Devices that the done stages of runs were computed on, the most used first; a stage that runs share counts once. */
export function devicesOf(runs: readonly Pick<StoredRun, 'stages'>[]): DeviceCount[] {
  const stages = new Map(runs.flatMap((run) => run.stages.map((stage) => [stage.id, stage])));
  const names = [...stages.values()].flatMap(({ status, environment }) => {
    const devices = status === 'done' && hasDevices(environment) ? environment.devices : [];
    return devices.length === 0 ? [] : [[...new Set(devices)].join(', ')];
  });
  return countsOf(names);
}

export function countsOf(names: readonly string[]): DeviceCount[] {
  return [...Map.groupBy(names, (name) => name)]
    .map(([device, all]) => ({ device, count: all.length }))
    .sort((a, b) => b.count - a.count);
}

function hasDevices(environment: unknown): environment is { readonly devices: readonly string[] } {
  return (
    typeof environment === 'object' &&
    environment !== null &&
    'devices' in environment &&
    Array.isArray(environment.devices)
  );
}

/** A sentence where there are several kinds: results are bit for bit the same only on devices of one. @param what is counted */
export function mixedDevices(devices: readonly DeviceCount[], what: string): string[] {
  if (devices.length < 2) return [];
  const named = devices.map(({ device, count }) => `${device} (${count} ${what})`).join('; ');
  return [`Computed on different devices, on which last digits of results may differ: ${named}.`];
}
