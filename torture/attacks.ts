import type { Attack } from './attack.ts';
import { disk } from './attacks/disk.ts';
import { endurance } from './attacks/endurance.ts';
import { engine } from './attacks/engine.ts';
import { flips } from './attacks/flips.ts';
import { hosts } from './attacks/hosts.ts';
import { kill } from './attacks/kill.ts';
import { open } from './attacks/open.ts';
import { surroundings } from './attacks/surroundings.ts';

export const ATTACKS: readonly Attack[] = [kill, disk, flips, open, engine, hosts, endurance, surroundings];
