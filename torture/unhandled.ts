import { setTimeout as sleep } from 'node:timers/promises';
import type { Tally } from './attack.ts';

/** Runs `body`; what is thrown in this process meanwhile and caught by nobody is a violation. */
export async function nothingUnhandled(tally: Tally, body: () => Promise<void>): Promise<void> {
  const unhandled = (error: unknown): void => tally.violation(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled);
  try {
    await body();
    // Rejections are told of one turn late.
    await sleep(100);
  } finally {
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled);
  }
}
