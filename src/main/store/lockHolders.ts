import { readdirSync, readFileSync, statSync } from 'node:fs';

/**
 * Processes other than this one that hold a lock for writing on one of the files, for a person: "process 1234 (ptw run demo)".
 * Empty where the system does not tell: Linux alone lists locks, and only those of its own processes.
 */
export function lockHolders(files: readonly string[]): string[] {
  try {
    const locks = readFileSync('/proc/locks', 'utf8').split('\n');
    const inodes = files.flatMap((file) => statSync(file, { throwIfNoEntry: false })?.ino ?? []);
    const pids = locks.flatMap((line) => {
      // "1: POSIX  ADVISORY  WRITE 1234 fe:00:56789 120 120"; a waiting one has "->" after its number.
      const held = /^\d+: \w+ +\w+ +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
      return held !== null && inodes.includes(Number(held[2])) ? [Number(held[1])] : [];
    });
    return [...new Set(pids)].filter((pid) => pid !== process.pid && hasOpen(pid, files)).map(described);
  } catch {
    return [];
  }
}

/** Inodes are those of a device; a process that does not show its files is believed. */
function hasOpen(pid: number, files: readonly string[]): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    const open = readdirSync(folder).map((descriptor) =>
      statSync(`${folder}/${descriptor}`, { throwIfNoEntry: false }),
    );
    const wanted = files.map((file) => statSync(file, { throwIfNoEntry: false }));
    return wanted.some(
      (file) => file !== undefined && open.some((one) => one?.ino === file.ino && one.dev === file.dev),
    );
  } catch {
    return true;
  }
}

/** With the end of its command: the program and what it was told, without the folders that they lie in. */
function described(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  const command = words.map((word) => (word.startsWith('/') ? word.slice(word.lastIndexOf('/') + 1) : word)).join(' ');
  const shown = command.length > 80 ? `${command.slice(0, 80)}…` : command;
  return `process ${pid}${shown === '' ? '' : ` (${shown})`}`;
}
