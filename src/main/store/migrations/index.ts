import type { Migration } from '../migrate.ts';
import { initial } from './001-initial.ts';
import { everythingInThePaper } from './002-everything-in-the-paper.ts';
import { workbench } from './003-workbench.ts';
import { launches } from './004-launches.ts';
import { stageSeals } from './005-stage-seals.ts';

/** In order, without a gap: the version of the program is the last one's. */
export const MIGRATIONS: readonly Migration[] = [initial, everythingInThePaper, workbench, launches, stageSeals];
