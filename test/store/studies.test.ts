import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../src/main/store/store.ts';
import { refusalOf, temporaryFolder } from './fixtures.ts';

const NOW = new Date('2024-05-06T07:08:09.000Z');
const open = (): Store => openStore(temporaryFolder(), { now: () => NOW });
const runOf = (store: Store): number => store.runs.create({ name: 'x', config: {}, environment: {} }).id;

describe('refuses', () => {
  it('a study of an unknown number, with where to look', () => {
    const refusal = refusalOf(() => open().studies.get(7));
    expect(refusal).toMatchObject({ code: 'not-found', message: expect.stringContaining('ptw studies') as string });
  });

  it('a run that there is not', () => {
    const store = open();
    const { id } = store.studies.create({ name: 'x', config: {} });
    expect(refusalOf(() => store.studies.link(id, { position: 0, runId: 99 })).code).toBe('invalid');
    expect(store.studies.runs(id)).toEqual([]);
  });

  it('to write when opened to be read', () => {
    const folder = temporaryFolder();
    openStore(folder).close();
    const store = openStore(folder, { readonly: true });
    expect(refusalOf(() => store.studies.create({ name: 'x', config: {} })).code).toBe('readonly');
  });
});

describe('a study', () => {
  it('comes back as it was given, newest first', () => {
    const store = open();
    const config = { seeds: [0, 1], nested: { value: 1e-4 } };
    const first = store.studies.create({ name: 'first', config });
    store.studies.create({ name: 'second', config: {} });
    expect(first).toEqual({ id: 1, name: 'first', config, createdAt: NOW.toISOString() });
    expect(store.studies.list().map(({ name }) => name)).toEqual(['second', 'first']);
    expect(store.studies.get(1)).toEqual(first);
  });

  it('has its runs by position, one a place, and a run knows its studies', () => {
    const store = open();
    const [one, two] = ['one', 'two'].map((name) => store.studies.create({ name, config: {} }).id);
    const [a, b, c] = [runOf(store), runOf(store), runOf(store)];
    store.studies.link(one, { position: 3, runId: a });
    store.studies.link(one, { position: 1, runId: b });
    store.studies.link(two, { position: 0, runId: b });
    expect(store.studies.runs(one)).toEqual([
      { position: 1, runId: b },
      { position: 3, runId: a },
    ]);
    store.studies.link(one, { position: 3, runId: c });
    expect(store.studies.runs(one)[1]).toEqual({ position: 3, runId: c });
    expect(store.studies.ofRun(b).sort()).toEqual([one, two]);
    expect(store.studies.ofRun(a)).toEqual([]);
  });
});
