import type { runsCalls } from '../../../shared/api/runs.ts';
import type { Handlers } from './handlers.ts';

export const runsHandlers = (): Handlers<typeof runsCalls> => ({});
