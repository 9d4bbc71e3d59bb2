import type { Calls } from './call.ts';

export const queueCalls = {} as const satisfies Calls;
