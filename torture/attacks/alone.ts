import type { Attack as Alone } from '../../scripts/torture/attackAlone.ts';
import type { Attack } from '../attack.ts';

/** An attack that can also be run by itself, from scripts/torture; it is loaded when it is run. */
const alone = (facts: Omit<Attack, 'run'>, load: () => Promise<{ readonly attack: Alone }>): Attack => ({
  ...facts,
  async run({ seed, count, say }, tally) {
    const { attack } = await load();
    const { counts, failures } = await attack({ seed, count, report: say });
    for (const [what, times] of Object.entries(counts)) tally.add(what, times);
    for (const failure of failures) tally.violation(failure);
  },
});

export const ALONE: readonly Attack[] = [
  alone(
    { name: 'api', title: 'malformed messages over the WebSocket and over the bridge change nothing', count: 100_000 },
    () => import('../../scripts/torture/api.ts'),
  ),
  alone(
    {
      name: 'serve',
      title: 'foreign hosts and origins, guessed tokens and paths that lead out are refused',
      count: 10_000,
    },
    () => import('../../scripts/torture/serve.ts'),
  ),
  alone(
    { name: 'formats', title: 'damaged weights, configs, studies and folders are refused in bounds', count: 20_000 },
    () => import('../../scripts/torture/formats.ts'),
  ),
  alone(
    {
      name: 'coverage',
      title: 'certificates of models with known answers are false as seldom as α says',
      count: 20_000,
    },
    () => import('../../scripts/torture/coverage.ts'),
  ),
  alone(
    { name: 'rounding', title: 'bounds lie outside of 50-digit arithmetic (needs Python with mpmath)', count: 100_000 },
    () => import('../../scripts/torture/rounding.ts'),
  ),
  alone(
    { name: 'determinism', title: 'no two ways of computing the same draws differ', count: 50 },
    () => import('../../scripts/torture/determinism.ts'),
  ),
];
