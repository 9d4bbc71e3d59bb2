import type { Calls } from './call.ts';

export const certificatesCalls = {} as const satisfies Calls;
