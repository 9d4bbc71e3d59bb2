import type { Attack } from './attack.ts';
import { disk } from './attacks/disk.ts';
import { engine } from './attacks/engine.ts';
import { flips } from './attacks/flips.ts';
import { hosts } from './attacks/hosts.ts';
import { kill } from './attacks/kill.ts';
import { open } from './attacks/open.ts';

export const ATTACKS: readonly Attack[] = [kill, disk, flips, open, engine, hosts];
