import type { Migration } from '../migrate.ts';
import { initial } from './001-initial.ts';

/** In order, without a gap: the version of the program is the last one's. */
export const MIGRATIONS: readonly Migration[] = [initial];
