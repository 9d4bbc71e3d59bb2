import type { EnginesBackend } from '../engine/process/engines.ts';

/** What a run computes on, in a line for whoever watches it. */
export function engineText({ devices, engines, ...backend }: EnginesBackend): string {
  const sideBySide = engines === 1 ? '' : `, ${engines} processes side by side`;
  return `${nameAndVersion(backend)}, ${devices.join(', ')}${sideBySide}`;
}

/** All that digits depend on, so that two engines with one text give equal bits. */
export function arithmeticText({ devices, arithmetic = 1, ...backend }: EnginesBackend): string {
  return `${nameAndVersion(backend)} on ${devices.join(', ')}, arithmetic ${arithmetic}`;
}

function nameAndVersion({ name, tensorflowVersion }: Pick<EnginesBackend, 'name' | 'tensorflowVersion'>): string {
  return tensorflowVersion === undefined ? name : `${name} ${tensorflowVersion}`;
}
