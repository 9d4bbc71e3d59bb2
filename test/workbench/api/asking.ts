import { openWorkbench } from '../../../src/main/workbench/api/workbenchApi.ts';
import type { CallName, Input, Output } from '../../../src/shared/api/calls.ts';
import { CALLS } from '../../../src/shared/api/calls.ts';
import { CallFailed } from '../../../src/shared/api/errors.ts';
import { eventSchema, type WorkbenchEvent } from '../../../src/shared/api/events.ts';
import { decode, encode } from '../../../src/shared/api/wire.ts';

/** A workbench as a page asks it: through text, with every answer and event held against its schema. */
export interface Asking {
  readonly events: WorkbenchEvent[];
  ask<Name extends CallName>(call: Name, input: Input<Name>): Promise<Output<Name>>;
  close(): Promise<void>;
}

export function asking(folder: string): Asking {
  const workbench = openWorkbench(folder);
  const events: WorkbenchEvent[] = [];
  workbench.subscribe((event) => events.push(eventSchema.parse(event)));
  return {
    events,
    async ask(call, input) {
      const request = decode(encode({ id: 1, call, input })) as { id: number; call: string; input: unknown };
      const reply = await workbench.answer(request);
      if (!reply.ok) throw new CallFailed(reply.error);
      const { output } = CALLS[call];
      return output.parse(decode(encode(reply.output))) as never;
    },
    close: () => workbench.close(),
  };
}
