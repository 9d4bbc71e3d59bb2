// `npm run torture [-- <attack…>] [--seed n] [--count n]`: attacks on what must never be lost, with their counts. Ends with 1 where
// something did not hold.
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.ts';
import { Tally, type Attack } from './attack.ts';
import { Table } from './table.ts';

// Results are compared between runs, so one backend computes all of them; this one starts fastest.
process.env['PTW_BACKEND'] ??= 'wasm';
process.env['PTW_ENGINES'] ??= '1';

function listed(): string {
  const table = new Table(['attack', 'count']);
  for (const { name, title, count } of ATTACKS) table.row([`${name}: ${title}`, String(count)]);
  return table.text;
}

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n\nnpm run torture -- <attack…|all> [--seed n] [--count n]\n${listed()}\n`);
  process.exit(2);
}

function wholeNumber(text: string, name: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  return refuse(`--${name}: got "${text}", expected a whole number of at least ${least}`);
}

function asked(): { attacks: readonly Attack[]; seed: number; count: number | null } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seed: { type: 'string', default: '1' }, count: { type: 'string' } },
    });
    if (positionals.length === 0) refuse('no attack was named');
    const named = positionals.map((name) => ATTACKS.find((attack) => attack.name === name));
    const unknown = positionals.find((name, i) => name !== 'all' && named[i] === undefined);
    if (unknown !== undefined) refuse(`there is no attack "${unknown}"`);
    return {
      attacks: positionals.includes('all') ? ATTACKS : named.filter((attack) => attack !== undefined),
      seed: wholeNumber(values.seed, 'seed', 0),
      count: values.count === undefined ? null : wholeNumber(values.count, 'count', 1),
    };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { attacks, seed, count } = asked();
let violations = 0;
for (const attack of attacks) {
  const tally = new Tally();
  const times = count ?? attack.count;
  process.stdout.write(`${attack.name}: ${attack.title} (seed ${seed}, count ${times})\n`);
  const started = performance.now();
  try {
    await attack.run({ seed, count: times, say: (text) => void process.stderr.write(`  ${text}\n`) }, tally);
  } catch (error) {
    tally.violation(
      `the attack itself ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  process.stdout.write(`${tally.text}\n${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  for (const violation of tally.violations) process.stdout.write(`VIOLATION ${violation}\n`);
  violations += tally.violations.length;
}
process.exit(violations === 0 ? 0 : 1);
