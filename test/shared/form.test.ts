import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { experimentConfigSchema } from '../../src/shared/config.ts';
import { headGridSchema } from '../../src/shared/headSearchOptions.ts';
import { fieldsOf, initialValue, shownPaths, type Field, type JsonSchema } from '../../src/shared/form.ts';

const fields = fieldsOf(z.toJSONSchema(experimentConfigSchema, { io: 'input' }) as JsonSchema);

function find(path: string): Field {
  let at: readonly Field[] = fields;
  let found: Field | undefined;
  for (const key of path.split('.')) {
    found = at.find((field) => field.key === key);
    if (found === undefined) throw new Error(`no field ${path}`);
    if (found.kind === 'group') at = found.fields;
    else if (found.kind === 'list' && found.item.kind === 'group') at = found.item.fields;
    else if (found.kind === 'either') at = found.group.fields;
  }
  return found!;
}

/** Every key of a value of the config, with its defaults. */
function keysOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return keysOf(value[0], prefix);
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => keysOf(inner, prefix === '' ? key : `${prefix}.${key}`));
}

describe("a form's fields", () => {
  it('are every leaf of the config', () => {
    const config = experimentConfigSchema.parse({
      name: 'x',
      source: { dataset: 'mnist', trainingInstances: 5 },
      target: { dataset: { folder: 'a', channels: 1, imageSize: { height: 8, width: 8 } } },
      extractor: { preset: 'wrn-10-1' },
      training: {},
      heads: [{ layers: 1, constraint: 'wn', hiddenWidth: 8, boxTraining: {} }],
    });
    for (const key of keysOf(config)) expect(find(key).key).toBe(key.split('.').at(-1));
  });

  it('say what is allowed, what is the default, and help in the words of the schema', () => {
    expect(find('certification.alpha')).toMatchObject({
      kind: 'number',
      isWhole: false,
      allowed: 'a number > 0 < 1',
      fallback: 1e-4,
      isOptional: false,
    });
    expect(find('instances')).toMatchObject({
      kind: 'number',
      isWhole: true,
      allowed: 'a whole number > 0',
      label: 'Instances',
    });
    expect(find('pgd.relativeStep')).toMatchObject({ isOptional: true, label: 'Relative step' });
    expect(find('heads.layers')).toMatchObject({ kind: 'choice', choices: [1, 4] });
    expect(find('certification.methods')).toMatchObject({
      kind: 'set',
      choices: ['label', 'representation', 'logit', 'pairwise'],
    });
    expect(find('source.dataset')).toMatchObject({ kind: 'either', isOptional: false });
    expect(find('certification.sigma').help).toBe('Standard deviation of the smoothing noise, normalised units.');
  });

  it('of several numbers, and of any of a few, take numbers', () => {
    const grid = fieldsOf(z.toJSONSchema(headGridSchema, { io: 'input' }) as JsonSchema);
    const of = (key: string) => grid.find((field) => field.key === key);
    expect(of('weights')).toMatchObject({ kind: 'numbers', allowed: 'a number ≥ 0', fallback: [1, 5, 20, 50] });
    expect(of('layers')).toMatchObject({ kind: 'set', choices: [1, 4], fallback: [1, 4] });
    for (const field of grid)
      expect(headGridSchema.safeParse({ [field.key]: initialValue(field) }).success, field.key).toBe(true);
    expect(shownPaths(grid, { weights: [1, 'x'] })).toContain('weights.1');
  });

  it('begin with what the schema takes', () => {
    const heads = find('heads');
    if (heads.kind !== 'list') throw new Error('heads are a list');
    const head = initialValue(heads.item);
    expect(head).toEqual({ layers: 1, constraint: 'none' });
    expect(experimentConfigSchema.shape.heads.safeParse([head]).success).toBe(true);
  });

  it('have a unit where the schema states one', () => {
    expect(
      Object.fromEntries(
        ['pgd.epsilon', 'pgd.relativeStep', 'heads.boxTraining.radius', 'certification.alpha', 'pgd.steps'].map(
          (path) => [path, find(path).unit],
        ),
      ),
    ).toEqual({
      'pgd.epsilon': 'normalised units',
      'pgd.relativeStep': 'of epsilon',
      'heads.boxTraining.radius': 'σ',
      'certification.alpha': 'probability',
      'pgd.steps': '',
    });
    expect(find('source.dataset.imageSize.height').unit).toBe('pixels');
  });

  it('are shown at the paths that problems are named by', () => {
    const paths = shownPaths(fields, {
      source: { dataset: { folder: 'a' } },
      target: { dataset: 'mnist' },
      heads: [{ layers: 1 }, 'no head'],
      certification: { rules: ['paper'] },
    });
    expect(paths).toEqual(expect.arrayContaining(['name', 'source.dataset.folder', 'heads.0.layers']));
    expect(paths).toContain('certification.falsification.steps');
    // No field shows what is wrong with an item as a whole: that stands above the form.
    for (const item of ['heads.1', 'certification.rules.0']) expect(paths).not.toContain(item);
    expect(paths).not.toContain('target.dataset.folder');
    expect(paths).not.toContain('heads.0.boxTraining.weight');
    expect(shownPaths(fields, null)).toContain('extractor.preset');
  });
});
