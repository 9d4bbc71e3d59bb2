import type { engineCalls } from '../../../shared/api/engine.ts';
import type { Handlers } from './handlers.ts';

export const engineHandlers = (): Handlers<typeof engineCalls> => ({});
