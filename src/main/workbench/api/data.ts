import type { dataCalls } from '../../../shared/api/data.ts';
import type { Handlers } from './handlers.ts';

export const dataHandlers = (): Handlers<typeof dataCalls> => ({});
