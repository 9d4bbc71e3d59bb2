import type { Calls } from './call.ts';

export const engineCalls = {} as const satisfies Calls;
