import { setTimeout as sleep } from 'node:timers/promises';
import type { CallName, Input, Output } from '../src/shared/api/calls.ts';
import { CallFailed } from '../src/shared/api/errors.ts';
import type { WorkbenchEvent } from '../src/shared/api/events.ts';
import { openWorkbench } from '../src/main/workbench/api/workbenchApi.ts';

/** A workbench in this process, asked as a page asks it. */
export interface OpenedWorkbench {
  readonly events: readonly WorkbenchEvent[];
  onEvent: (event: WorkbenchEvent) => void;
  ask<Name extends CallName>(call: Name, input: Input<Name>): Promise<Output<Name>>;
  /** Settled when nothing is under way, and nothing waits or the queue is paused. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export function openedWorkbench(folder: string): OpenedWorkbench {
  const workbench = openWorkbench(folder);
  const events: WorkbenchEvent[] = [];
  const opened: OpenedWorkbench = {
    events,
    onEvent: () => undefined,
    async ask(call, input) {
      const reply = await workbench.answer({ id: 1, call, input });
      if (!reply.ok) throw new CallFailed(reply.error);
      return reply.output as never;
    },
    async idle() {
      for (;;) {
        const { current, entries, isPaused } = await opened.ask('queue.state', {});
        if (current === null && (entries.length === 0 || isPaused)) return;
        await sleep(20);
      }
    },
    close: () => workbench.close(),
  };
  workbench.subscribe((event) => {
    events.push(event);
    opened.onEvent(event);
  });
  return opened;
}
