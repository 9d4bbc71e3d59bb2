import type { Reply, Request } from '../../../shared/api/envelope.ts';
import type { QueueState } from '../../../shared/api/queue.ts';

/** What Electron's message box is asked to show. */
export interface QuitQuestion {
  readonly type: 'question';
  readonly message: string;
  readonly detail: string;
  readonly buttons: [string, string];
  readonly defaultId: number;
  readonly cancelId: number;
}

/** Which button quits. */
export const QUIT = 0;

/** What to ask before quitting, since it interrupts what is under way; null where nothing is, or where it is ending already. */
export async function quitQuestion(workbench: {
  answer(request: Request): Promise<Reply>;
}): Promise<QuitQuestion | null> {
  const reply = await workbench.answer({ id: 0, call: 'queue.state', input: {} });
  const current = reply.ok ? (reply.output as QueueState).current : null;
  if (current === null || current.isCancelling) return null;
  return {
    type: 'question',
    message: `“${current.name}” is under way. Quit anyway?`,
    detail: 'It is interrupted after what it has finished, and comes first in the queue the next time.',
    buttons: ['Quit', 'Keep it running'],
    defaultId: 1,
    cancelId: 1,
  };
}
