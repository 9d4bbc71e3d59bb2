import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The process that works on a run. Process ids are reused, so the moment of its start tells two bearers of one apart. */
export interface Owner {
  readonly pid: number;
  /** Empty where the system does not tell when a process started: then the id alone decides. */
  readonly startToken: string;
}

const self: Owner = { pid: process.pid, startToken: startTokenOf(process.pid) };

export function currentOwner(): Owner {
  return self;
}

export function isCurrent({ pid, startToken }: Owner): boolean {
  return pid === self.pid && startToken === self.startToken;
}

export function isAlive(owner: Owner): boolean {
  if (!existsProcess(owner.pid)) return false;
  return owner.startToken === '' || owner.startToken === startTokenOf(owner.pid);
}

export function existsProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function startTokenOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, field 2, is in parentheses and may hold spaces; the state is behind it and the start time is field 22, the 20th after it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // One that has ended and whose parent has not asked how.
      if (fields[0] === 'Z') return '';
      const ticks = fields.at(19);
      return ticks === undefined ? '' : `${boot}/${ticks}`;
    }
    if (process.platform === 'darwin') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
  } catch {
    // Gone between two looks, or a system without the answer.
  }
  return '';
}
