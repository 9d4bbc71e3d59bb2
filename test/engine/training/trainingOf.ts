import type { z } from 'zod';
import { certificationSchema, trainingSchema } from '../../../src/shared/config.ts';
import { effectiveTraining, type EffectiveTraining } from '../../../src/main/engine/training/effectiveTraining.ts';

/** A training from what a config would say of it, with the default certification. */
export function trainingOf(settings: z.input<typeof trainingSchema>): EffectiveTraining {
  return effectiveTraining(trainingSchema.parse(settings), certificationSchema.parse({}));
}
