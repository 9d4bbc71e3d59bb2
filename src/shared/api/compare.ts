import type { Calls } from './call.ts';

export const compareCalls = {} as const satisfies Calls;
