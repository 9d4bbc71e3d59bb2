import { readdirSync, readFileSync } from 'node:fs';

/** Engines that this process started and that live, newest last. Linux alone. */
export function enginesOfThisProcess(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const isEngine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('engine/process/main.ts');
        return isEngine && Number(parent) === process.pid && state !== 'Z';
      } catch {
        // Gone between two looks.
        return false;
      }
    })
    .sort((a, b) => a - b);
}
