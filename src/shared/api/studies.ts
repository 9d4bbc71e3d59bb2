import type { Calls } from './call.ts';

export const studiesCalls = {} as const satisfies Calls;
