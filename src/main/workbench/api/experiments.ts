import type { experimentsCalls } from '../../../shared/api/experiments.ts';
import type { Handlers } from './handlers.ts';

export const experimentsHandlers = (): Handlers<typeof experimentsCalls> => ({});
