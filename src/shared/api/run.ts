import type { Calls } from './call.ts';

export const runCalls = {} as const satisfies Calls;
