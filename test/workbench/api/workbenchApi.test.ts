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

it('answers a call', async () => {
  expect(await workbench.answer({ id: 1, call: 'tasks.cancel', input: { task: 'none' } })).toEqual({
    id: 1,
    ok: true,
    output: {},
  });
});
