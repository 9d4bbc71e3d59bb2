import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../../../store/owner.ts';
import { publish } from '../durableFile.ts';

/** What the process that starts tasks on this machine says of itself. */
const supervisorSchema = z.object({
  host: z.string(),
  pid: z.number().int(),
  startToken: z.string(),
  /** Submissions that it has taken up or passed over. */
  consumed: z.number().int(),
  /** Tasks that it will start. */
  waiting: z.array(z.string()),
  /** Tasks that it has started. */
  running: z.array(z.string()),
});
export type SupervisorState = z.infer<typeof supervisorSchema>;

const fileOf = (folder: string): string => join(folder, 'supervisor.json');

export function publishSupervisor(folder: string, state: SupervisorState): void {
  publish(fileOf(folder), JSON.stringify(state));
}

/** Null where none is at work. @throws Error where one is on another machine */
export function aliveSupervisor(folder: string): SupervisorState | null {
  let text: string;
  try {
    text = readFileSync(fileOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const state = supervisorSchema.parse(JSON.parse(text));
  return state.host === hostname() && isAlive(state) ? state : null;
}
