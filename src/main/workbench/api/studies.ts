import type { studiesCalls } from '../../../shared/api/studies.ts';
import type { Handlers } from './handlers.ts';

export const studiesHandlers = (): Handlers<typeof studiesCalls> => ({});
