import type { Calls } from './call.ts';

export const dataCalls = {} as const satisfies Calls;
