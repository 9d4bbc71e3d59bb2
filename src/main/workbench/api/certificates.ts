import type { certificatesCalls } from '../../../shared/api/certificates.ts';
import type { Handlers } from './handlers.ts';

export const certificatesHandlers = (): Handlers<typeof certificatesCalls> => ({});
