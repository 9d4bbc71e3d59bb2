import { defineConfig } from 'vitest/config';

/** Against a Slurm that the tests start themselves: `npm run test:slurm`. */
export default defineConfig({
  test: {
    include: ['test/slurm/**/*.slurm.ts'],
    pool: 'forks',
    // Each file starts a cluster that has both processors.
    maxWorkers: 1,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
});
