import type { Attack } from './attack.ts';
import { api } from './attacks/api.ts';
import { coverage } from './attacks/coverage.ts';
import { determinism } from './attacks/determinism.ts';
import { disk } from './attacks/disk.ts';
import { endurance } from './attacks/endurance.ts';
import { engine } from './attacks/engine.ts';
import { flips } from './attacks/flips.ts';
import { formats } from './attacks/formats.ts';
import { hosts } from './attacks/hosts.ts';
import { kill } from './attacks/kill.ts';
import { open } from './attacks/open.ts';
import { rounding } from './attacks/rounding.ts';
import { serve } from './attacks/serve.ts';
import { surroundings } from './attacks/surroundings.ts';

export const ATTACKS: readonly Attack[] = [
  kill,
  disk,
  flips,
  open,
  engine,
  hosts,
  endurance,
  surroundings,
  api,
  serve,
  formats,
  coverage,
  rounding,
  determinism,
];
