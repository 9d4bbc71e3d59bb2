import { TINY_STUDY } from '../workbench/studies/tinyStudy.ts';

const { base } = TINY_STUDY;

/** All kinds of stages on a few instances: four runs of eleven tasks each, of seconds. */
export const LAUNCH_STUDY = {
  ...TINY_STUDY,
  name: 'a study that is sent',
  base: {
    ...base,
    instances: 8,
    noiseAttack: { draws: 8 },
    pgd: { steps: 3 },
    certification: { draws: 60, selectionDraws: 20 },
  },
  seeds: [3, 4],
};
