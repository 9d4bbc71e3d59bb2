import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkbench, type WorkbenchApi } from '../../../src/main/workbench/api/workbenchApi.ts';
import { emptyFolder } from '../tinyExperiment.ts';

let workbench: WorkbenchApi;
beforeEach(() => {
  workbench = openWorkbench(emptyFolder());
});
afterEach(() => workbench.close());

const failure = async (call: string, input: unknown): Promise<unknown> => workbench.answer({ id: 7, call, input });

describe('a call is answered as an error', () => {
  it.each(['nothing.such', 'toString', '__proto__', ''])('that nobody knows: "%s"', async (call) => {
    expect(await failure(call, {})).toEqual({
      id: 7,
      ok: false,
      error: { code: 'bad-input', message: `there is no call "${call}"` },
    });
  });

  it.each([
    [null, '(top level)'],
    [{}, 'task'],
    [{ task: 'a b' }, 'expected 1 to 64 letters'],
    [{ task: 'a', also: 1 }, 'also: unknown key (allowed: task)'],
  ])('with %j in place of what it takes', async (input, message) => {
    expect(await failure('tasks.cancel', input)).toMatchObject({
      ok: false,
      error: { code: 'bad-input', message: expect.stringContaining(message) as string },
    });
  });
});

describe('a call with what has no text in it, as Electron carries it', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['runs'] = cyclic;
  it.each([
    ['a bigint', 'runs.delete', { runs: [1n], isTrial: true }, 'got "1n"'],
    ['a cycle', 'runs.delete', cyclic, '[object Object] without a text'],
    ['an array in place of an object, whose methods look like keys', 'runs.list', new Uint8Array(2), 'got a function'],
    ['a string of a million letters', 'tasks.cancel', { task: 'x'.repeat(1e6) }, '… (1000002 letters)'],
    [
      'a key of a million letters',
      'tasks.cancel',
      { task: 'a', ['x'.repeat(1e6)]: 1 },
      '… (1000000 letters): unknown key',
    ],
  ])('is refused like any other: %s', async (_what, call, input, says) => {
    const reply = await workbench.answer({ id: 7, call, input });
    expect(reply).toMatchObject({
      ok: false,
      error: { code: 'bad-input', message: expect.stringContaining(says) as string },
    });
    expect(JSON.stringify(reply).length).toBeLessThan(2000);
  });
});

it('answers a call', async () => {
  expect(await workbench.answer({ id: 1, call: 'tasks.cancel', input: { task: 'none' } })).toEqual({
    id: 1,
    ok: true,
    output: {},
  });
});
