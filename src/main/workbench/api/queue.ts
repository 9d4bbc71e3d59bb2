import type { queueCalls } from '../../../shared/api/queue.ts';
import type { Handlers } from './handlers.ts';

export const queueHandlers = (): Handlers<typeof queueCalls> => ({});
