import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunColumn, RunSelector } from '../../src/main/store/runList.ts';
import type { RunCondition } from '../../src/main/store/tables/runList.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { keyOf, refusalOf, temporaryFolder } from './fixtures.ts';

const ALL: RunSelector = { search: '', statuses: [], tags: [], archived: 'too', conditions: [] };
const SIGMA: RunColumn = { kind: 'config', name: 'certification.sigma' };

type Cell = string | number | null;

/** What a condition means, without SQL. */
function holds(cell: Cell, condition: RunCondition): boolean {
  if (!('value' in condition)) return (cell === null) === (condition.operator === 'missing');
  if (condition.operator === 'contains') {
    return cell !== null && String(cell).toLowerCase().includes(condition.value.toLowerCase());
  }
  const { operator, value } = condition;
  if (operator === '≠') return cell !== value;
  if (cell === null || typeof cell !== typeof value) return false;
  return { '=': cell === value, '<': cell < value, '≤': cell <= value, '>': cell > value, '≥': cell >= value }[
    operator
  ];
}

const cell = fc.oneof(fc.constantFrom(0.1, 0.25, 1, 2, -3), fc.constantFrom('a', 'B', '50%', 'x_y', '\\'));
const condition: fc.Arbitrary<RunCondition> = fc.oneof(
  fc.record({ column: fc.constant(SIGMA), operator: fc.constantFrom('=', '≠', '<', '≤', '>', '≥'), value: cell }),
  fc.record({ column: fc.constant(SIGMA), operator: fc.constantFrom('missing', 'present') }),
  fc.record({
    column: fc.constant(SIGMA),
    operator: fc.constant('contains'),
    value: fc.constantFrom('a', '%', '_', '\\', '0'),
  }),
);

describe('runs that are selected', () => {
  it('are those that a plain reading of the conditions selects', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(cell), { maxLength: 12 }),
        fc.array(condition, { maxLength: 3 }),
        (cells, conditions) => {
          const store = openStore(temporaryFolder());
          for (const value of cells) {
            store.runs.create({
              name: 'x',
              config: value === null ? {} : { certification: { sigma: value } },
              environment: {},
            });
          }
          const expected = cells.flatMap((value, i) => (conditions.every((one) => holds(value, one)) ? [i + 1] : []));
          const rows = store.runList.page({ ...ALL, conditions }, { order: [], offset: 0, limit: 1000 });
          expect(rows.map(({ id }) => id).sort((a, b) => a - b)).toEqual(expected);
          expect(store.runList.count({ ...ALL, conditions })).toBe(expected.length);
          store.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('come in the order asked for, the missing last either way, then the newest; pinned ones first', () => {
    const store = openStore(temporaryFolder());
    for (const sigma of [0.5, undefined, 0.1, 0.5, 1]) {
      store.runs.create({ name: 'x', config: { certification: { sigma } }, environment: {} });
    }
    const ids = (isDescending: boolean): number[] =>
      store.runList.page(ALL, { order: [{ column: SIGMA, isDescending }], offset: 0, limit: 9 }).map(({ id }) => id);
    expect(ids(false)).toEqual([3, 4, 1, 5, 2]);
    expect(ids(true)).toEqual([5, 4, 1, 3, 2]);
    store.runList.organise([1, 2], { addTags: [], removeTags: [], isPinned: true });
    expect(ids(false)).toEqual([1, 2, 3, 4, 5]);
    store.close();
  });

  it('are found by words of their name and note, by status, by tags, and archived ones only where asked', () => {
    const store = openStore(temporaryFolder());
    for (const name of ['alpha 100%', 'beta', 'gamma']) store.runs.create({ name, config: {}, environment: {} });
    store.runs.finish(2, 1);
    store.runList.organise([3], { addTags: ['paper', 'x'], removeTags: [], note: 'ALPHA again' });
    const names = (change: Partial<RunSelector>): string[] =>
      store.runList.page({ ...ALL, ...change }, { order: [], offset: 0, limit: 9 }).map(({ name }) => name);
    expect(names({ search: 'alpha' })).toEqual(['gamma', 'alpha 100%']);
    expect(names({ search: '0%' })).toEqual(['alpha 100%']);
    expect(names({ search: '%' })).toEqual(['alpha 100%']);
    expect(names({ statuses: ['done'] })).toEqual(['beta']);
    expect(names({ tags: ['paper', 'x'] })).toEqual(['gamma']);
    expect(names({ tags: ['paper', 'y'] })).toEqual([]);
    store.runList.organise([3], { addTags: [], removeTags: ['x'], isArchived: true });
    expect(names({ archived: 'no' })).toEqual(['beta', 'alpha 100%']);
    expect(names({ archived: 'only' })).toEqual(['gamma']);
    expect(store.runList.tags()).toEqual([{ tag: 'paper', n: 1 }]);
    store.close();
  });
});

describe('organising and deleting', () => {
  it('refuse a run that is not there, and change none of the others', () => {
    const store = openStore(temporaryFolder());
    store.runs.create({ name: 'x', config: {}, environment: {} });
    const change = { addTags: ['t'], removeTags: [] };
    expect(refusalOf(() => store.runList.organise([1, 7], change))).toMatchObject({ code: 'not-found' });
    expect(store.runList.tagsOf(1)).toEqual([]);
    expect(refusalOf(() => store.runList.delete([1, 7]))).toMatchObject({ code: 'conflict' });
    store.runs.finish(1, 1);
    expect(refusalOf(() => store.runList.delete([1, 7]))).toMatchObject({ code: 'not-found' });
    expect(store.runs.list()).toHaveLength(1);
    store.close();
  });

  it('removes what no other run shares, and nothing else', () => {
    const store = openStore(temporaryFolder());
    const bytes = new Uint8Array([1, 2, 3]);
    const stages = ['own', 'shared'].map((name) =>
      store.stages.ensureStage({
        key: keyOf(name),
        kind: 'certification',
        domain: 'target',
        headLabel: 'h',
        inputs: {},
      }),
    );
    for (const run of [1, 2]) {
      store.runs.create({ name: `run ${run}`, config: { a: 1 }, environment: {} });
      store.queue.log(run, { level: 'info', text: 'began' });
      store.runList.organise([run], { addTags: ['t'], removeTags: [] });
    }
    for (const { id } of stages) {
      store.results.commitInstance(id, certificatesOf(0));
      store.artefacts.put(id, { role: 'weights', kind: 'x', bytes: Uint8Array.of(...bytes, id) });
      store.stages.link(1, id, 0);
    }
    store.stages.link(2, stages[1].id, 0);
    const study = store.studies.create({ name: 's', config: {} });
    store.studies.link(study.id, { position: 0, runId: 1 });
    for (const run of [1, 2]) store.runs.finish(run, 1);

    const expected = { runs: 1, stages: [stages[0].id], sharedStages: 1, certificates: 5, files: 1, fileBytes: 4 };
    expect(store.runList.deletionOf([1])).toEqual(expected);
    expect(store.runs.list()).toHaveLength(2);
    expect(store.runList.delete([1, 1])).toEqual(expected);
    expect(store.artefacts.collectGarbage()).toMatchObject({ files: 1, bytes: 4 });
    expect(store.runs.list().map(({ id, certificates }) => [id, certificates])).toEqual([[2, 5]]);
    expect(store.results.instanceCertificates(stages[0].id, 0)).toEqual([]);
    expect(store.results.instanceCertificates(stages[1].id, 0)).toHaveLength(5);
    expect(store.studies.runs(study.id)).toEqual([]);
    expect(store.runList.delete([2])).toMatchObject({ stages: [stages[1].id], files: 1 });
    expect(store.stages.findByKey(keyOf('shared'))).toBeNull();
    store.close();
  });
});
