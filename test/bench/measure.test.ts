import { describe, expect, it } from 'vitest';
import { alternate, type Contestant } from '../../bench/measure.ts';

/** Says its name each time, and takes one millisecond more than the time before. */
function counting(name: string, said: string[]): Contestant {
  let times = 0;
  return {
    name,
    repeat: () => {
      said.push(name);
      return Promise.resolve(++times);
    },
  };
}

describe('contestants in turns', () => {
  it('warm up first, and no warm-up counts', async () => {
    const [{ time }] = await alternate([counting('ours', [])], 3);
    expect(time).toEqual({ lower: 3.5, median: 4, upper: 4.5 });
  });
  it('take turns, each round beginning with another', async () => {
    const said: string[] = [];
    const names = ['a', 'b', 'c'];
    const measured = await alternate(
      names.map((name) => counting(name, said)),
      4,
    );
    expect(said.join('')).toBe('aabbcc' + 'abc' + 'bca' + 'cab' + 'abc');
    expect(measured.map(({ name }) => name)).toEqual(names);
  });
  it('never run at once', async () => {
    let running = 0;
    const busy = (name: string): Contestant => ({
      name,
      repeat: async () => {
        expect(++running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return running--;
      },
    });
    await alternate([busy('a'), busy('b')], 2);
    expect(running).toBe(0);
  });
});
