import type { compareCalls } from '../../../shared/api/compare.ts';
import type { Handlers } from './handlers.ts';

export const compareHandlers = (): Handlers<typeof compareCalls> => ({});
