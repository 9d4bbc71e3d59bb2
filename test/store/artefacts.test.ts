import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/main/store/store.ts';
import { certificationStage, keyOf, refusalOf, temporaryFolder } from './fixtures.ts';

function openWithStage(): { store: Store; stage: number; folder: string } {
  const folder = temporaryFolder();
  const store = openStore(folder);
  return { store, stage: certificationStage(store), folder: join(folder, 'artefacts') };
}

const weights = (text: string) => ({ role: 'weights' as const, kind: 'safetensors', bytes: Buffer.from(text) });
const fileOf = (folder: string, hash: string): string => join(folder, hash.slice(0, 2), hash);

describe('artefacts refuse', () => {
  it('what is no hash, and a hash they do not know', () => {
    const { store } = openWithStage();
    expect(refusalOf(() => store.artefacts.read('../../workbench.sqlite')).code).toBe('invalid');
    expect(refusalOf(() => store.artefacts.read(keyOf('unknown'))).code).toBe('not-found');
  });

  it('to give out damaged or missing bytes, until they are stored again', () => {
    const { store, stage, folder } = openWithStage();
    const hash = store.artefacts.put(stage, weights('w'));
    appendFileSync(fileOf(folder, hash), '!');
    const refusal = refusalOf(() => store.artefacts.read(hash));
    expect(refusal.code).toBe('damaged');
    expect(refusal.message).toContain(`is ${keyOf('w!')}, expected ${hash}`);
    rmSync(fileOf(folder, hash));
    expect(refusalOf(() => store.artefacts.read(hash)).code).toBe('damaged');
    store.artefacts.put(stage, weights('w'));
    expect(Buffer.from(store.artefacts.read(hash)).toString()).toBe('w');
  });

  it('an unknown stage, and leave no file of it', () => {
    const { store, folder } = openWithStage();
    expect(refusalOf(() => store.artefacts.put(404, weights('w'))).code).toBe('invalid');
    expect(readdirSync(folder, { recursive: true })).toEqual([]);
  });
});

describe('artefacts', () => {
  it('lie under their hash and are listed with their stage', () => {
    const { store, stage, folder } = openWithStage();
    const hash = store.artefacts.put(stage, weights('w'));
    expect(hash).toBe(keyOf('w'));
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([hash.slice(0, 2), join(hash.slice(0, 2), hash)]);
    expect(store.artefacts.ofStage(stage)).toEqual([{ role: 'weights', hash, kind: 'safetensors', bytes: 1 }]);
  });

  it('go with the last stage that has them', () => {
    const { store, stage, folder } = openWithStage();
    const other = certificationStage(store, 'other');
    const replaced = store.artefacts.put(stage, weights('first'));
    const shared = store.artefacts.put(other, weights('shared'));
    store.artefacts.put(stage, weights('shared'));
    expect(existsSync(fileOf(folder, replaced))).toBe(false);
    store.artefacts.release(other, 'weights');
    expect(Buffer.from(store.artefacts.read(shared)).toString()).toBe('shared');
    store.artefacts.release(stage, 'weights');
    expect(existsSync(fileOf(folder, shared))).toBe(false);
    expect(refusalOf(() => store.artefacts.read(shared)).code).toBe('not-found');
  });

  it('are collected where crashes left them', () => {
    const { store, stage, folder } = openWithStage();
    const kept = store.artefacts.put(stage, weights('kept'));
    expect(store.artefacts.collectGarbage()).toEqual({ artefacts: 0, files: 0, bytes: 0 });
    const orphan = fileOf(folder, keyOf('orphan'));
    mkdirSync(join(orphan, '..'), { recursive: true });
    writeFileSync(orphan, 'orphan');
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(join(folder, `.${pid}-abc.tmp`), 'half');
    writeFileSync(join(folder, `.${process.pid}-abc.tmp`), 'being written');
    expect(store.artefacts.collectGarbage()).toEqual({
      artefacts: 0,
      files: 2,
      bytes: 'orphan'.length + 4,
    });
    expect(existsSync(join(folder, `.${process.pid}-abc.tmp`))).toBe(true);
    expect(Buffer.from(store.artefacts.read(kept)).toString()).toBe('kept');
  });
});
