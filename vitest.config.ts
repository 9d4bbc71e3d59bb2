import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A process a file: TensorFlow and the tfjs engine are global to a process.
    pool: 'forks',
    maxWorkers: 2,
    // Runs of tests keep no draws in the user's cache, and start one engine: those of several ask for them.
    env: { PTW_CACHE_MB: '0', PTW_ENGINES: '1' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
