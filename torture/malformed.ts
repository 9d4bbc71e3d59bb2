// Messages that are no valid request of the API: some of no shape at all, some a step beside a valid one.
import { CALLS, type CallName } from '../src/shared/api/calls.ts';
import { requestSchema } from '../src/shared/api/envelope.ts';
import type { Choices } from './choices.ts';

/** A valid input of every call; what is malformed begins from one of these. */
const CERTIFICATE = { run: 1, domain: 'target', index: 0, head: '1-layer wn' };
const LISTED = { run: 1, domain: 'target', head: '1-layer wn', by: 'label' };
const EXPERIMENT = {
  name: 'x',
  source: { dataset: 'mnist' },
  target: { dataset: 'kmnist' },
  extractor: { preset: 'wrn-10-1' },
  training: {},
  heads: [{ layers: 1, constraint: 'none' }],
};
const SPECIFIC: Readonly<Record<string, unknown>> = {
  'experiments.fromRun': { run: 1 },
  'experiments.check': { config: EXPERIMENT },
  'experiments.forecast': { config: EXPERIMENT },
  'queue.add': { config: EXPERIMENT },
  'queue.addStudy': { study: { name: 'x', scale: 'y', base: EXPERIMENT, grid: [] } },
  'queue.resume': { run: 1 },
  'queue.remove': { entry: 1 },
  'queue.move': { entry: 1, before: null },
  'runs.list': { offset: 0, limit: 10, sort: [{ column: 'name', isDescending: true }], columns: ['config:seed'] },
  'runs.group': { by: 'config:seed', figures: ['figure:x'], filters: [{ column: 'id', operator: '=', value: 1 }] },
  'runs.organise': { runs: [1], note: 'x', addTags: ['t'] },
  'runs.delete': { runs: [1], isTrial: false },
  'run.confusion': { run: 1, domain: 'target', head: '1-layer wn', by: 'clean' },
  'run.exportFiles': { run: 1, format: 'json' },
  'heads.results': { run: 1 },
  'heads.chosenConfig': { run: 1 },
  'heads.plan': { run: 1, options: { grid: { weights: [1, 5] }, search: { draws: 100 } } },
  'certificates.list': { ...LISTED, offset: 0, limit: 10 },
  'certificates.neighbours': { ...LISTED, index: 0 },
  'certificates.images': { run: 1, domain: 'target', indices: [0, 1] },
  'certificates.instance': CERTIFICATE,
  'certificates.draws': { run: 1, domain: 'target', index: 0, count: 2 },
  'certificates.adversarial': CERTIFICATE,
  'certificates.losses': { ...CERTIFICATE, rule: 'interval', rival: 1 },
  'certificates.marginCurve': { ...CERTIFICATE, task: 't' },
  'certificates.verify': { ...CERTIFICATE, redraw: true, task: 't' },
  'compare.runs': { runs: [1] },
  'compare.tests': { runs: [1, 1] },
  'studies.plan': { study: { name: 'x' } },
  'studies.get': { study: 1 },
  'data.get': { name: 'mnist', task: 't' },
  'data.check': { name: 'mnist' },
  'data.preview': { dataset: 'mnist', split: 'train', seed: 1 },
  'engine.install': { task: 't' },
  'tasks.cancel': { task: 't' },
};
const NAMES = Object.keys(CALLS) as CallName[];
const baseOf = (name: CallName): unknown => SPECIFIC[name] ?? ('run' in (CALLS[name].input as never) ? { run: 1 } : {});

const STRINGS = [
  '', ' ', '\0', '../../etc/passwd', '/etc/passwd', 'C:\\Windows', "'; DROP TABLE run; --", '__proto__', 'constructor', '\ud800',
  '\u202e', 'x'.repeat(10_000), '1', 'true', 'null', 'NaN', '%00', '${x}', 'file:///etc/passwd', '\u0000'.repeat(50),
]; // prettier-ignore
const NUMBERS = [
  -1,
  0,
  1.5,
  -0,
  1e308,
  -1e308,
  2 ** 53,
  -(2 ** 53),
  2 ** 31,
  2 ** 32,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
];

function anything(choices: Choices, depth: number): unknown {
  const kind = choices.below(depth > 3 ? 6 : 10);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return choices.uniform() < 0.5;
    case 2:
    case 3:
      return choices.of(NUMBERS);
    case 4:
    case 5:
      return choices.of(STRINGS);
    case 6:
      return Array.from({ length: choices.below(4) }, () => anything(choices, depth + 1));
    case 7:
      return choices.of([new Float64Array(2), new Float32Array(1), new Int32Array(3), new Uint8Array(9)]);
    default:
      return Object.fromEntries(
        Array.from({ length: choices.below(4) }, () => [
          choices.of([...STRINGS, 'run', 'head', '$array', '$number']),
          anything(choices, depth + 1),
        ]),
      );
  }
}

/** The value with one place in it changed, taken away or added to. */
export function mutated(value: unknown, choices: Choices): unknown {
  if (Array.isArray(value) && value.length > 0 && choices.uniform() < 0.7) {
    const at = choices.below(value.length);
    return value.map((item, i) => (i === at ? mutated(item, choices) : (item as unknown)));
  }
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && choices.uniform() < 0.85) {
    const entries = Object.entries(value);
    const roll = choices.uniform();
    if (roll < 0.2 || entries.length === 0)
      return { ...value, [choices.of([...STRINGS, 'also'])]: anything(choices, 1) };
    const at = choices.below(entries.length);
    if (roll < 0.4) return Object.fromEntries(entries.filter((_, i) => i !== at));
    return Object.fromEntries(entries.map(([key, item], i) => [key, i === at ? mutated(item, choices) : item]));
  }
  return anything(choices, 0);
}

export interface Malformed {
  readonly kind: string;
  readonly message: unknown;
  /** Whether the envelope is that of a request, which is then answered. */
  readonly isRequest: boolean;
}

/** A message that is no valid request; `toTransport` is what the transport makes of it, to tell what the other side sees. */
export function malformed(choices: Choices, id: number, toTransport: (message: unknown) => unknown): Malformed {
  for (;;) {
    const { kind, message } = candidate(choices, id);
    const seen = toTransport(message);
    const request = requestSchema.safeParse(seen);
    if (!request.success) return { kind: `${kind}, no request`, message, isRequest: false };
    const { call, input } = request.data;
    if (!Object.hasOwn(CALLS, call)) return { kind: `${kind}, no such call`, message, isRequest: true };
    if (!CALLS[call as CallName].input.safeParse(input).success)
      return { kind: `${kind}, wrong input`, message, isRequest: true };
    // Valid after all: it may do what it says.
  }
}

function candidate(choices: Choices, id: number): { kind: string; message: unknown } {
  const name = choices.of(NAMES);
  const valid = { id, call: name as string, input: baseOf(name) };
  const roll = choices.uniform();
  if (roll < 0.04) return { kind: 'anything', message: anything(choices, 0) };
  if (roll < 0.1) return { kind: 'envelope', message: mutated({ ...valid, input: {} }, choices) };
  if (roll < 0.16) {
    const call = choices.of([
      ...STRINGS,
      'toString',
      'hasOwnProperty',
      `${name} `,
      name.toUpperCase(),
      'runs.',
      '.list',
    ]);
    return { kind: 'call', message: { ...valid, call } };
  }
  if (roll < 0.3) return { kind: 'input', message: { ...valid, input: anything(choices, 0) } };
  let { input } = valid;
  for (let times = 1 + choices.below(3); times > 0; times--) input = mutated(input, choices);
  return { kind: 'mutated input', message: { ...valid, input } };
}
