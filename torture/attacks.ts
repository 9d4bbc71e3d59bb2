import type { Attack } from './attack.ts';
import { kill } from './attacks/kill.ts';

export const ATTACKS: readonly Attack[] = [kill];
