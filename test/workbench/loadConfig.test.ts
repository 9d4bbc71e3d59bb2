import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  parseConfig,
  parseStoredConfig,
  readConfigFile,
  withAbsoluteFolders,
  withAssignments,
} from '../../src/main/workbench/loadConfig.ts';

const demo = JSON.parse(readFileSync(new URL('../../resources/presets/demo.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>;

describe('refusals', () => {
  it.each([
    ['an unknown key, naming those allowed', { bogus: 1 }, /bogus: unknown key \(allowed: name, seed, source/],
    [
      'an unknown nested key',
      { certification: { sigmas: 1 } },
      /certification\.sigmas: unknown key \(allowed: enabled, sigma, draws/,
    ],
    ['a wrong type, with the value', { certification: { sigma: 'big' } }, /certification\.sigma: .*number.*got "big"/],
    ['an impossible number', { certification: { alpha: 2 } }, /certification\.alpha: .*got 2/],
    ['a missing key', { heads: undefined }, /heads: .*missing/],
    [
      'a value outside its list',
      { heads: [{ layers: 1, constraint: 'spectre' }] },
      /heads\.0\.constraint: .*"none"\|"wn"\|"wn-l1".*got "spectre"/,
    ],
    [
      'a set of another name, naming those known and that folders serve',
      { source: { dataset: 'mnst' } },
      /source\.dataset: expected one of "fashion-mnist"\|"mnist".*, or \{ "folder": path \} \(got "mnst"\)/,
    ],
    ['a missing set', { source: {} }, /source\.dataset: expected one of .* \(missing\)/],
    [
      'an unknown key of a folder, naming those allowed',
      { source: { dataset: { folder: 'x', size: 3 } } },
      /source\.dataset\.size: unknown key \(allowed: folder, channels, imageSize\)/,
    ],
    [
      'a number of channels that no image has',
      { source: { dataset: { folder: 'x', channels: 2 } } },
      /source\.dataset\.channels: .*got 2/,
    ],
    [
      'a size for a folder that is too small',
      { target: { dataset: { folder: 'x', imageSize: { height: 3, width: 8 } } } },
      /target\.dataset\.imageSize\.height: .*>=4 \(got 3\)/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseConfig({ ...demo, ...change }, 'the config')).toThrow(message);
  });

  it('names every problem at once', () => {
    expect(() => parseConfig({ ...demo, seed: -1, instances: 0 }, 'the config')).toThrow(/seed[\s\S]*instances/);
  });

  it('says which file is missing, and which is not JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ptw-config-'));
    expect(() => readConfigFile(join(folder, 'none.json'))).toThrow(/none\.json/);
    writeFileSync(join(folder, 'broken.json'), '{');
    expect(() => readConfigFile(join(folder, 'broken.json'))).toThrow(/broken\.json" is not JSON/);
  });

  it('refuses an assignment without a value', () => {
    expect(() => withAssignments(demo, ['seed'])).toThrow(/--set seed: expected key=value/);
  });
});

it('the demo is a valid experiment and its defaults are filled in', () => {
  const config = parseConfig(demo, 'demo');
  expect(config.certification).toMatchObject({ sigma: 0.1, draws: 500, selectionDraws: 100, alpha: 1e-4 });
  expect(config.heads).toHaveLength(6);
});

it('a config from before there was falsification or a noise attack is of a run without; a later one says what it did', () => {
  const { noiseAttack, ...rest } = parseConfig(demo, 'demo');
  const { falsification, ...before } = rest.certification;
  expect([falsification.enabled, noiseAttack.enabled]).toEqual([true, true]);
  const stored = { ...rest, certification: before };
  expect(parseStoredConfig(stored, 4).certification.falsification.enabled).toBe(false);
  expect(parseStoredConfig(stored, 4).noiseAttack.enabled).toBe(false);
  expect(parseStoredConfig(parseConfig(demo, 'demo'), 4)).toEqual(parseConfig(demo, 'demo'));
  for (const broken of [null, 7, {}, { ...stored, certification: null }]) {
    expect(() => parseStoredConfig(broken, 4)).toThrow(/^the stored config of run 4 is no valid experiment/);
  }
});

describe('folders of images', () => {
  it('are taken relative to a base wherever a domain has one, and nothing else is touched', () => {
    const document = {
      source: { dataset: { folder: '../a', channels: 1 }, trainingInstances: 5 },
      target: { dataset: 'mnist' },
      folder: 'b',
    };
    expect(withAbsoluteFolders(document, '/configs/of')).toEqual({
      ...document,
      source: { dataset: { folder: resolve('/configs/a'), channels: 1 }, trainingInstances: 5 },
    });
    expect(document.source.dataset.folder).toBe('../a');
    const absolute = { source: { dataset: { folder: resolve('/a') } } };
    expect(withAbsoluteFolders(absolute, '/configs')).toEqual(absolute);
    for (const odd of [null, 7, [], { source: null }, { source: { dataset: { folder: 7 } } }])
      expect(withAbsoluteFolders(odd, '/configs')).toEqual(odd);
  });

  it('take the place of a set by name in an assignment', () => {
    const changed = withAssignments(demo, ['source.dataset.folder=photos', 'source.dataset.channels=3']);
    expect((changed as { source: unknown }).source).toMatchObject({ dataset: { folder: 'photos', channels: 3 } });
  });
});

it('assignments reach nested keys and keep the original', () => {
  const changed = withAssignments(demo, ['certification.sigma=0.25', 'name=other', 'heads.0.layers=4']);
  expect(changed).toMatchObject({ certification: { sigma: 0.25 }, name: 'other' });
  expect((changed as { heads: { layers: number }[] }).heads[0].layers).toBe(4);
  expect(demo['certification']).toBeUndefined();
});

it('an assignment reaches no further than its config', () => {
  expect(() => withAssignments({}, ['__proto__.polluted=1'])).toThrow('"__proto__" is no key of a config');
  expect(withAssignments({}, ['constructor.prototype.polluted=1'])).toMatchObject({
    constructor: { prototype: { polluted: 1 } },
  });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
