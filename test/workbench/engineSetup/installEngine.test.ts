import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeMachine } from '../../engine/native/fakeMachine.ts';
import {
  bindingPath,
  cacheRoot,
  findBindingSources,
  installFolder,
  readMarker,
} from '../../../src/main/engine/native/cache.ts';
import { installEngine, tryToLoad } from '../../../src/main/workbench/engineSetup/installEngine.ts';
import type { RunReporter } from '../../../src/main/workbench/runInProgress.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'ptw-setup-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reporter = { began: () => undefined, notice: () => undefined } as unknown as RunReporter;
const never = new AbortController().signal;

describe('setting up the engine from the workbench', () => {
  it('is refused with the reason and what to do about it', async () => {
    const without = { ...process.env, PTW_TENSORFLOW: 'none' };
    await expect(installEngine(reporter, never, without)).rejects.toThrow(/PTW_TENSORFLOW.*none/);
    const unknown = { ...process.env, PTW_TENSORFLOW: 'quantum' };
    await expect(installEngine(reporter, never, unknown)).rejects.toThrow(/quantum.*cpu/);
  });

  it('says what the machine lacks', async () => {
    const machine = fakeMachine();
    const environment = { ...machine.env, PTW_TENSORFLOW: 'cpu' } as NodeJS.ProcessEnv;
    await expect(installEngine(reporter, never, environment)).rejects.toThrow(/No C\+\+ compiler was found.*\w+/);
    machine.remove();
  });

  it('ends when it is told to', async () => {
    const told = new AbortController();
    const setup = installEngine(reporter, told.signal, { ...process.env, PTW_CACHE_DIR: folder });
    told.abort();
    await expect(setup).rejects.toThrow(/aborted/);
    await expect(installEngine(reporter, told.signal)).rejects.toThrow(/aborted/);
  });
});

const sources = findBindingSources();
const installed = sources === null ? null : installFolder(cacheRoot(), 'cpu', sources);
const isInstalled = installed !== null && readMarker(installed) !== null;

describe('trying an addon in another process', () => {
  it.each(['broken', 'missing'])('says what is wrong with one that is %s', async (name) => {
    const file = path.join(folder, `${name}.node`);
    if (name === 'broken') writeFileSync(file, 'no addon');
    expect(await tryToLoad(file, process.env)).toContain(`${name}.node`);
  });

  it.skipIf(!isInstalled)('finds nothing wrong with the one that is installed', async () => {
    expect(await tryToLoad(bindingPath(installed!), process.env)).toBeNull();
  });
});
