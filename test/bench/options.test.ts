import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

describe('arguments of the benches', () => {
  it.each([
    [['sideways'], /part "sideways", expected one of compare, scaling/],
    [['compare', 'scaling'], /part "compare scaling"/],
    [['--threads', '0'], /--threads is "0", expected a whole number/],
    [['--batch', 'many'], /--batch is "many"/],
    [['findings', '--study', 'mini'], /--study is "mini"/],
    [['constraints', '--instances', '0'], /--instances is "0"/],
    [['--write', '--ours'], /leave out --ours and --only/],
    [['--write', '--only', 'PGD'], /leave out --ours and --only/],
    [['--write', '--repetitions', '6'], /6 repetitions, expected at least 7/],
    [['--loud'], /--loud/],
  ])('%j are refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
  it('compare with two threads and print by default', () => {
    expect(parseOptions([])).toMatchObject({ part: 'compare', threads: 2, repetitions: 11, write: false, only: '' });
  });
  it('compare the constraints on 200 instances', () => {
    expect(parseOptions(['constraints'])).toMatchObject({ part: 'constraints', instances: 200 });
  });
  it('may write seven repetitions', () => {
    expect(parseOptions(['scaling', '--write', '--repetitions', '7'])).toMatchObject({ part: 'scaling', write: true });
  });
});
