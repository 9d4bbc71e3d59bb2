import { parseArgs } from 'node:util';

export const PARTS = [
  'compare',
  'scaling',
  'compile',
  'gpu',
  'constraints',
  'findings',
  'workbench',
  'radius',
  'cluster',
] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly part: Part;
  /** Of either side. */
  readonly threads: number;
  readonly repetitions: number;
  /** Whether results go into docs/performance.md. */
  readonly write: boolean;
  /** Without the reference. */
  readonly oursAlone: boolean;
  /** Works whose names contain this. */
  readonly only: string;
  /** Of part gpu. */
  readonly preset: string;
  readonly batch: number;
  readonly side: number;
  /** Of parts constraints and radius: test instances a domain. */
  readonly instances: number;
  /** Of part radius: runs of each kind, and where they are kept; a temporary folder by default. */
  readonly seeds: number;
  readonly folder: string | null;
  /** Of part radius: only what is done in that folder is reported. */
  readonly doneAlone: boolean;
  /** Of part findings: a finished study in the workbench's folder. */
  readonly study: number;
}

export const USAGE = `npm run bench -- [part] [options]
  compare   (the default) our engine and PyTorch in turns; what a certification spends outside the extractor
  scaling   how certification time grows with draws, instances, width and heads
  compile   our compiled steps against the same steps run op by op
  gpu       a wide extractor on the backend that serves, and estimates for GPUs at the paper's scale
  constraints  heads of 1 and 4 layers under every constraint: accuracy, certificates by each rule, training time
  findings  what docs/findings.md says of a finished study \`mini\`; trains nothing
  radius    what training for the certificate buys: the paper's noise, gaussian, and heads on kept draws, from the same draws
  workbench  how long views wait for answers with 10,000 runs and 1,000,000 certificates in the database
  cluster   what splitting a certification into tasks costs, and the paper's grid on many GPUs (a simulation)
  --threads n      threads of either side (2)
  --repetitions n  of each contestant, medians are of these (11)
  --write          put the result into its document in docs; by default it is only printed
  --ours           without the PyTorch reference
  --only text      of compare and scaling, the works whose name contains the text
  --preset p --side s --batch b    of gpu: extractor (wrn-32-10), image side (28), rows of a pass (100)
  --instances n    of constraints and radius, test instances a domain (200)
  --seeds n        of radius, runs of each kind, whose medians are compared (3)
  --folder dir     of radius, keeps its runs there, and takes what is done there already (a temporary folder)
  --done           of radius, reports what is done in that folder and runs nothing
  --study id       of findings, as \`ptw studies\` lists it (1)`;

/** Fewer give no quartiles worth the name in a document. */
const FEWEST_TO_WRITE = 7;

/** @throws RangeError that says what is wrong with the arguments */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '2' },
      repetitions: { type: 'string', default: '11' },
      write: { type: 'boolean', default: false },
      ours: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      preset: { type: 'string', default: 'wrn-32-10' },
      side: { type: 'string', default: '28' },
      batch: { type: 'string', default: '100' },
      instances: { type: 'string', default: '200' },
      seeds: { type: 'string', default: '3' },
      folder: { type: 'string' },
      done: { type: 'boolean', default: false },
      study: { type: 'string', default: '1' },
    },
  });
  const [name = 'compare', ...surplus] = positionals;
  const part = PARTS.find((known) => known === name);
  if (part === undefined || surplus.length > 0) {
    throw new RangeError(`bench: got part "${positionals.join(' ')}", expected one of ${PARTS.join(', ')}`);
  }
  const options: Options = {
    part,
    threads: countFrom('threads', values.threads),
    repetitions: countFrom('repetitions', values.repetitions),
    write: values.write,
    oursAlone: values.ours,
    only: values.only,
    preset: values.preset,
    side: countFrom('side', values.side),
    batch: countFrom('batch', values.batch),
    instances: countFrom('instances', values.instances),
    seeds: countFrom('seeds', values.seeds),
    folder: values.folder ?? null,
    doneAlone: values.done,
    study: countFrom('study', values.study),
  };
  refuseHalfResults(options);
  return options;
}

function countFrom(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`bench: --${name} is "${text}", expected a whole number of at least 1`);
}

/** The document holds whole tables of enough repetitions, or none. @throws RangeError */
function refuseHalfResults({ write, oursAlone, only, repetitions }: Options): void {
  if (!write) return;
  if (oursAlone || only !== '')
    throw new RangeError('bench: --write needs the whole table: leave out --ours and --only');
  if (repetitions < FEWEST_TO_WRITE) {
    throw new RangeError(`bench: --write with ${repetitions} repetitions, expected at least ${FEWEST_TO_WRITE}`);
  }
}
