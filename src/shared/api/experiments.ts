import type { Calls } from './call.ts';

export const experimentsCalls = {} as const satisfies Calls;
