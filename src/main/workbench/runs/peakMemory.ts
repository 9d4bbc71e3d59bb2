import { readFileSync } from 'node:fs';

/** The most resident memory that any of the processes has had, in bytes; null where the system does not tell, or none is left. */
export function peakMemory(pids: readonly number[]): number | null {
  const peaks = pids.flatMap((pid) => {
    try {
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return kilobytes === undefined ? [] : Number(kilobytes) * 1024;
    } catch {
      // Linux alone has the file, and only of living processes.
      return [];
    }
  });
  return peaks.length === 0 ? null : Math.max(...peaks);
}
