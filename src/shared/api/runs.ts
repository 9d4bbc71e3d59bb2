import type { Calls } from './call.ts';

export const runsCalls = {} as const satisfies Calls;
