import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bindingPath, cacheRoot, installFolder } from '../../../src/main/engine/native/cache.ts';
import type { BindingSources } from '../../../src/main/engine/native/cache.ts';
import { findInstalled } from '../../../src/main/engine/native/installed.ts';
import { chooseVariant } from '../../../src/main/engine/native/variant.ts';
import { allWheelSets } from '../../../src/main/engine/native/wheels.ts';
import type { Variant } from '../../../src/main/engine/native/wheels.ts';
import { smallSources } from './fakeMachine.ts';

describe('cacheRoot', () => {
  const name = 'provable-transfer-workbench';
  it.each([
    ['linux', { HOME: '/h' }, `/h/.cache/${name}`],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: '/x' }, `/x/${name}`],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: 'relative' }, `/h/.cache/${name}`],
    ['darwin', { HOME: '/h', XDG_CACHE_HOME: '/x' }, `/h/Library/Caches/${name}`],
    ['win32', { HOME: '/h', LOCALAPPDATA: '/l' }, `/l/${name}`],
    ['linux', { HOME: '/h', PTW_CACHE_DIR: '/chosen' }, '/chosen'],
  ])('on %s with %j is %s', (platform, env, expected) => {
    expect(cacheRoot(env, platform)).toBe(expected);
  });
});

describe('chooseVariant', () => {
  it.each([
    [true, 'cuda'],
    [false, 'cpu'],
  ])('with an NVIDIA driver %s is %s', async (driver, variant) => {
    expect(await chooseVariant({}, () => Promise.resolve(driver))).toEqual({
      status: 'chosen',
      variant,
      by: 'default',
    });
  });

  it('follows PTW_TENSORFLOW against the driver', async () => {
    const choice = await chooseVariant({ PTW_TENSORFLOW: 'cpu' }, () => Promise.resolve(true));
    expect(choice).toEqual({ status: 'chosen', variant: 'cpu', by: 'user' });
  });
});

describe('the table of wheels', () => {
  it.each(Object.entries(allWheelSets))('pins every wheel of %s', (key, { wheels, libraries }) => {
    expect(libraries).toHaveLength(2);
    for (const wheel of wheels) {
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel.requirement).toMatch(/^[a-z0-9-]+==[0-9.]+$/);
      expect(wheel.file.replaceAll('_', '-')).toContain(wheel.requirement.replace('==', '-'));
      expect(wheel.file).toContain(wheel.platform);
      expect(wheel.unpackedBytes).toBeGreaterThan(wheel.bytes);
    }
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
    expect(wheels.length).toBe(key.endsWith('cuda') ? 13 : 1);
  });
});

describe('findInstalled', () => {
  let root: string;
  let sources: BindingSources;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'lookup-test-'));
    sources = smallSources(root);
    complete('cpu');
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  function complete(variant: Variant): void {
    const folder = installFolder(root, variant, sources);
    mkdirSync(path.dirname(bindingPath(folder)), { recursive: true });
    writeFileSync(bindingPath(folder), '');
    writeFileSync(path.join(folder, 'complete.json'), '{}');
  }

  function look(env: Record<string, string>, driver: boolean) {
    const machine = { platform: 'linux', arch: 'x64', sources, hasDriver: () => Promise.resolve(driver) };
    return findInstalled({ PTW_CACHE_DIR: root, ...env }, machine);
  }

  it.each([
    [{}, false, 'no-driver', 'ready'],
    [{}, true, 'not-installed', 'ready'],
    [{ PTW_TENSORFLOW: 'cuda' }, true, 'not-installed', 'chosen-other'],
    [{ PTW_TENSORFLOW: 'cpu' }, true, 'chosen-other', 'ready'],
    [{ PTW_TENSORFLOW: 'none' }, true, 'chosen-none', 'chosen-none'],
    [{ PTW_TENSORFLOW: 'x' }, true, 'unknown-choice', 'unknown-choice'],
  ])('with %j and a driver %s says of cuda %s, of cpu %s', async (env, driver, cuda, cpu) => {
    const found = await look(env, driver);
    const codes = [found.cuda, found.cpu].map((one) => (one.status === 'ready' ? 'ready' : one.code));
    expect(codes).toEqual([cuda, cpu]);
  });

  it('does not take a folder without its addon for an installation', async () => {
    rmSync(bindingPath(installFolder(root, 'cpu', sources)));
    expect((await look({}, false)).cpu).toMatchObject({ status: 'unavailable', code: 'not-installed' });
  });
});
