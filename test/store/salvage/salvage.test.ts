import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { salvage } from '../../../src/main/store/salvage/salvage.ts';
import { openStore } from '../../../src/main/store/store.ts';
import { certificatesOf } from '../certificates.ts';
import { certificationStage, refusalOf, temporaryFolder } from '../fixtures.ts';

const INSTANCES = 40;
const fileIn = (folder: string): string => join(folder, 'workbench.sqlite');

function storeWithRows(): { folder: string; stage: number } {
  const folder = temporaryFolder();
  const store = openStore(folder);
  const stage = certificationStage(store);
  for (let index = 0; index < INSTANCES; index += 1) store.results.commitInstance(stage, certificatesOf(index));
  store.artefacts.put(stage, { role: 'weights', kind: 'test', bytes: Buffer.from('weights') });
  store.runs.finish(1, 1);
  store.close();
  return { folder, stage };
}

/** Changes one bit of a file. */
function flip(file: string, position: number, bit = 3): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  byte[0] ^= 1 << bit;
  writeSync(descriptor, byte, 0, 1, position);
  closeSync(descriptor);
}

const digestOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(
      ({ parentPath, name }) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(parentPath, name)))
          .digest('hex')}`,
    )
    .sort();

describe('salvage refuses', () => {
  it('what is not there, a folder with something in it, and a file of which nothing can be read, leaving nothing behind', () => {
    const { folder } = storeWithRows();
    const out = join(temporaryFolder(), 'out');
    expect(refusalOf(() => salvage(join(folder, 'absent.sqlite'), out)).code).toBe('missing-database');
    expect(refusalOf(() => salvage(fileIn(folder), folder)).message).toContain('the folder is not empty');
    const noise = join(temporaryFolder(), 'noise.sqlite');
    writeFileSync(noise, Buffer.alloc(20_000, 0xa5));
    expect(refusalOf(() => salvage(noise, out)).code).toBe('damaged');
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('salvage', () => {
  it('keeps all certificates of a database that is whole, and touches nothing of it', () => {
    const { folder, stage } = storeWithRows();
    const out = join(temporaryFolder(), 'out');
    const before = digestOf(folder);
    const saved = salvage(fileIn(folder), out);
    expect(saved).toMatchObject({
      instances: INSTANCES,
      lostInstances: 0,
      unsealedInstances: 0,
      artefacts: 1,
      lostArtefacts: 0,
    });
    expect(digestOf(folder)).toEqual(before);
    const store = openStore(out);
    for (let index = 0; index < INSTANCES; index += 1) {
      expect(store.results.instanceCertificates(stage, index)).toStrictEqual(certificatesOf(index));
    }
    expect(store.runs.get(1).status).toBe('interrupted');
    expect(store.stages.get(stage).status).toBe('pending');
    store.close();
    expect(readdirSync(out).sort()).toEqual(['artefacts', 'workbench.sqlite', 'workbench.sqlite.seal']);
  });

  it('keeps what damaged pages leave, every instance of it as it was', () => {
    const { folder, stage } = storeWithRows();
    const db = new Database(fileIn(folder), { readonly: true });
    const sql = "SELECT pageno FROM dbstat WHERE name = 'certificate' AND pagetype = 'leaf' ORDER BY pageno";
    let pages: number[] = [];
    try {
      pages = db.prepare(sql).pluck().all() as number[];
    } catch {
      // Built without dbstat: pages are then damaged by their place.
    }
    db.close();
    const page = pages[1] ?? 60;
    const descriptor = openSync(fileIn(folder), 'r+');
    writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
    closeSync(descriptor);
    const out = join(temporaryFolder(), 'out');
    const saved = salvage(fileIn(folder), out);
    expect(saved.instances).toBeGreaterThan(0);
    expect(saved.instances).toBeLessThan(INSTANCES);
    const store = openStore(out);
    const kept = store.results.certifiedIndices(stage);
    expect(kept).toHaveLength(saved.instances);
    for (const index of kept)
      expect(store.results.instanceCertificates(stage, index)).toStrictEqual(certificatesOf(index));
    // What was lost is committed again.
    const lost = Array.from({ length: INSTANCES }, (_, index) => index).filter((index) => !kept.includes(index));
    for (const index of lost) expect(store.results.commitInstance(stage, certificatesOf(index))).toBe(5);
    store.close();
  });

  it('drops weights that are not what their hash says', () => {
    const { folder, stage } = storeWithRows();
    const [file] = readdirSync(join(folder, 'artefacts'), { recursive: true, withFileTypes: true }).filter((e) =>
      e.isFile(),
    );
    flip(join(file.parentPath, file.name), 2);
    const out = join(temporaryFolder(), 'out');
    expect(salvage(fileIn(folder), out)).toMatchObject({ artefacts: 0, lostArtefacts: 1 });
    const store = openStore(out, { readonly: true });
    expect(store.artefacts.ofStage(stage)).toEqual([]);
    store.close();
  });
});

describe('a bit that changes in a database', () => {
  it('that was closed is noticed by whoever opens it, wherever it is, and the file is left alone', () => {
    const { folder } = storeWithRows();
    const size = readFileSync(fileIn(folder)).length;
    for (let position = 100; position < size; position += 4999) {
      flip(fileIn(folder), position);
      const before = digestOf(folder);
      for (const readonly of [true, false])
        expect(refusalOf(() => openStore(folder, { readonly })).code).toBe('damaged');
      expect(digestOf(folder)).toEqual(before);
      flip(fileIn(folder), position);
    }
    openStore(folder).close();
  });

  it('in a certificate is noticed where there is no seal of the file', () => {
    const { folder, stage } = storeWithRows();
    const db = new Database(fileIn(folder));
    const change = (sql: string): void => void db.exec(sql);
    // Another program's write through SQLite makes the seal of the file void.
    change('UPDATE certificate SET radius_normalised = 9 WHERE radius_normalised IS NOT NULL AND dataset_index = 3');
    change(`UPDATE evidence_array SET data = zeroblob(length(data)) WHERE data IS NOT NULL AND certificate_id IN
      (SELECT id FROM certificate WHERE dataset_index = 4)`);
    change('UPDATE certificate SET predicted = predicted + 1 WHERE dataset_index = 5');
    db.close();
    const store = openStore(folder);
    for (const index of [3, 4, 5]) {
      expect(refusalOf(() => store.results.instanceCertificates(stage, index)).message).toContain(
        'it is not what was stored',
      );
    }
    expect(store.results.instanceCertificates(stage, 6)).toStrictEqual(certificatesOf(6));
    db.close();
    store.close();
  });
});

describe('a seal', () => {
  it('is there only while nobody has the database open for writing, and not after a connection beside it', () => {
    const { folder } = storeWithRows();
    const seal = `${fileIn(folder)}.seal`;
    expect(existsSync(seal)).toBe(true);
    const [first, second] = [openStore(folder), openStore(folder)];
    expect(existsSync(seal)).toBe(false);
    first.close();
    expect(existsSync(seal)).toBe(false);
    second.runs.create({ name: 'x', config: {}, environment: {} });
    second.close();
    expect(existsSync(seal)).toBe(true);
    openStore(folder, { readonly: true }).close();
    expect(existsSync(seal)).toBe(true);
  });
});
