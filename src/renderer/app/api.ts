import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { CallName, Input, Output } from '../../shared/api/calls.ts';
import { CallFailed } from '../../shared/api/errors.ts';
import type { WorkbenchEvent } from '../../shared/api/events.ts';
import { openTransport } from './transport.ts';

const transport = openTransport();
const listeners = new Set<(event: WorkbenchEvent) => void>();
transport.onEvent((event) => {
  for (const listener of [...listeners]) listener(event);
});

/** Whether the workbench is there. */
export const isConnected = ref(false);
/** Counts connections, so that what was missed while there was none is asked for again. */
const connections = ref(0);
transport.onConnection((is) => {
  isConnected.value = is;
  if (is) connections.value += 1;
});

let sequence = 0;

/** Asks the workbench. @throws CallFailed with the reason, as the workbench or the connection gives it */
export async function ask<Name extends CallName>(call: Name, input: Input<Name>): Promise<Output<Name>> {
  const reply = await transport.answer({ id: ++sequence, call, input }).catch((error: unknown) => {
    throw new CallFailed({ code: 'failed', message: error instanceof Error ? error.message : String(error) });
  });
  if (!reply.ok) throw new CallFailed(reply.error);
  return reply.output as Output<Name>;
}

/** Hears events of one kind while the component lives. */
export function onEvent<Kind extends WorkbenchEvent['kind']>(
  kind: Kind,
  listener: (event: Extract<WorkbenchEvent, { kind: Kind }>) => void,
): void {
  const hear = (event: WorkbenchEvent): void => {
    if (event.kind === kind) listener(event as Extract<WorkbenchEvent, { kind: Kind }>);
  };
  listeners.add(hear);
  onScopeDispose(() => listeners.delete(hear));
}

/** An answer that a view shows. What was there stays until the next one comes, so that nothing jumps. */
export interface Asked<Name extends CallName> {
  /** Null before the first answer. */
  readonly data: Readonly<ShallowRef<Output<Name> | null>>;
  /** Of the last question; null where it was answered. */
  readonly error: Readonly<ShallowRef<CallFailed | null>>;
  /** While a question is under way. */
  readonly isAsking: Readonly<Ref<boolean>>;
  readonly refresh: () => Promise<void>;
}

/**
 * Asks now, and again whenever the input changes or the connection comes back. Answers that a later question has overtaken are dropped.
 * @param input null while there is nothing to ask
 */
export function useCall<Name extends CallName>(call: Name, input: () => Input<Name> | null): Asked<Name> {
  const data = shallowRef(null) as ShallowRef<Output<Name> | null>;
  const error = shallowRef<CallFailed | null>(null);
  const isAsking = ref(false);
  let latest = 0;
  const refresh = async (): Promise<void> => {
    const asked = input();
    const mine = ++latest;
    if (asked === null) return;
    isAsking.value = true;
    try {
      const answer = await ask(call, asked);
      if (mine !== latest) return;
      data.value = answer;
      error.value = null;
    } catch (cause) {
      if (mine !== latest) return;
      error.value = cause instanceof CallFailed ? cause : new CallFailed({ code: 'internal', message: String(cause) });
    } finally {
      if (mine === latest) isAsking.value = false;
    }
  };
  watch([() => JSON.stringify(input()), connections], () => void refresh(), { immediate: true });
  onScopeDispose(() => latest++);
  return { data, error, isAsking, refresh };
}

/** Does something that a person asked for, keeping what went wrong beside the control that did it. */
export function useAction<Args extends unknown[]>(
  work: (...args: Args) => Promise<void>,
): {
  readonly run: (...args: Args) => Promise<void>;
  readonly error: Ref<string | null>;
  readonly isBusy: Ref<boolean>;
} {
  const error = ref<string | null>(null);
  const isBusy = ref(false);
  const run = async (...args: Args): Promise<void> => {
    if (isBusy.value) return;
    isBusy.value = true;
    error.value = null;
    try {
      await work(...args);
    } catch (cause) {
      if (!(cause instanceof CallFailed && cause.code === 'cancelled')) {
        error.value = cause instanceof Error ? cause.message : String(cause);
      }
    } finally {
      isBusy.value = false;
    }
  };
  return { run, error, isBusy };
}
