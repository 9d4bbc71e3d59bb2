import { describe, expect, it } from 'vitest';
import { resourcesOf } from '../../../src/shared/launch.ts';
import { loadSettings } from '../../../src/main/workbench/launch/loadSettings.ts';

describe('launch settings refuse', () => {
  it.each<[string, string, RegExp]>([
    ['an unknown key', 'partion=gpu', /partion: unknown key \(allowed: partition, account, qos, gres/],
    ['a kind of task that there is not', 'stages.head.time=10', /stages\.head/],
    ['a second line in a word', 'partition="gpu\\n#SBATCH --exclusive"', /partition: expected text without spaces/],
    ['a shell in a word', 'account=$(id)', /account: expected text without spaces, quotes, \$/],
    ['a time that sbatch does not know', 'time=two hours', /time/],
    ['memory without a unit that there is', 'mem=32X', /mem/],
    ['a second line of setup in one', 'setup=["module load cuda\\nrm x"]', /setup\.0: expected one line/],
    ['an option of sbatch by its short name', 'additional_parameters.P=1', /additional_parameters/],
    ['no tries', 'tries=0', /tries: .*got 0/],
    ['a host that ssh would take for an option', 'ssh=-oProxyCommand=x', /ssh: expected a host's name/],
  ])('%s', (_name, assignment, message) => {
    expect(() => loadSettings(null, [assignment])).toThrow(message);
  });
});

describe('launch settings', () => {
  it('of a kind of task stand over those of all', () => {
    const settings = loadSettings(null, [
      'partition=gpu',
      'time=60',
      'stages.extractor.time=2-00:00:00',
      'stages.extractor.mem=64',
    ]);
    expect(resourcesOf(settings, 'extractor')).toMatchObject({ partition: 'gpu', time: '2-00:00:00', mem: 64 });
    expect(resourcesOf(settings, 'heads')).toMatchObject({ partition: 'gpu', time: 60 });
    expect(resourcesOf(settings, 'heads').mem).toBeUndefined();
  });
});
