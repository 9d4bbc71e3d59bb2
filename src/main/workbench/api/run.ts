import type { runCalls } from '../../../shared/api/run.ts';
import type { Handlers } from './handlers.ts';

export const runHandlers = (): Handlers<typeof runCalls> => ({});
