import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '../../src/main/store/store.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { fabricateFolder } from '../../test/data/imageFolder/fabricate.ts';
import { emptyFolder, quietHost, SILENT } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

const PTW = path.join(import.meta.dirname, '../../bin/ptw.mjs');
/** Of a user who may write nothing that is not everybody's: root may write anywhere. */
const NOBODY = 65534;

export const surroundings: Attack = {
  name: 'surroundings',
  title: 'clock jumps, folders that may not be written, no HOME, unicode and spaces in paths, names of 4,096 bytes',
  count: 10,
  async run({ seed, count }, tally) {
    const random = new Random(seed, 'surroundings');
    const images = fabricateImages();
    const reference = emptyFolder();
    await startRun(reference, tinyConfig(images), quietHost());
    const findings = findingsOf(reference, 1);
    for (let i = 0; i < count; i++) await clockJumps(random, { images, findings, tally });
    await readOnlyFolder(reference, tally);
    await withoutHome(reference, tally);
    for (const name of NAMES) await strangePath(name, { findings, tally });
    await longNames(tally);
    rmSync(reference, { recursive: true });
  },
};

interface Inputs {
  readonly images: string;
  readonly findings: Findings;
  readonly tally: Tally;
}

/** The wall clock of the host leaps by up to ten years, back and forth, at every step of a run. */
async function clockJumps(random: Random, { images, findings, tally }: Inputs): Promise<void> {
  const folder = emptyFolder();
  const RealDate = Date;
  let offset = 0;
  const leap = (): void => {
    offset = (random.next() - 0.5) * 20 * 365 * 86_400_000;
  };
  const Leaping = class extends RealDate {
    constructor(...values: [] | [number]) {
      super(values.at(0) ?? RealDate.now() + offset);
    }
    static override now(): number {
      return RealDate.now() + offset;
    }
  };
  const abort = new AbortController();
  let steps = random.below(40);
  const step = (): void => {
    leap();
    if (--steps === 0) abort.abort();
  };
  globalThis.Date = Leaping as DateConstructor;
  try {
    const reporter = { ...SILENT, began: step, progress: step, ended: leap, epoch: leap };
    await startRun(folder, tinyConfig(images), quietHost({ reporter, signal: abort.signal })).catch(() => undefined);
    const store = openStore(folder);
    const { status } = store.runs.get(1);
    store.close();
    if (status !== 'done') {
      const { resumeRun } = await import('../../src/main/workbench/workbench.ts');
      await resumeRun(folder, 1, quietHost({ reporter: { ...reporter, progress: leap } }));
    }
  } finally {
    globalThis.Date = RealDate;
  }
  tally.hold(
    'clock leaps at every step: all results equal an undisturbed run',
    isDeepStrictEqual(findingsOf(folder, 1), findings),
  );
  const store = openStore(folder, { readonly: true });
  const { seconds } = store.runs.get(1);
  tally.hold(
    'clock leaps at every step: time of work is no nonsense',
    seconds !== null && seconds >= 0 && seconds < 3600,
    () => String(seconds),
  );
  store.close();
  rmSync(folder, { recursive: true });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

interface As {
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: number;
  readonly cwd?: string;
}

/** The command line to its end. */
async function ptw(args: readonly string[], { env = {}, user, cwd }: As = {}): Promise<Ended> {
  const child = spawn(process.execPath, [PTW, ...args], {
    env: { PATH: process.env['PATH'], PTW_BACKEND: 'wasm', ...env },
    ...(user === undefined ? {} : { uid: user, gid: user }),
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, said] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, out, said };
}

/** One sentence on standard error, no stack, and the code of a failure. */
function refusedClearly({ code, said }: Ended, expected: RegExp): boolean {
  const lines = said.trim().split('\n');
  return (code === 1 || code === 2) && lines.length === 1 && expected.test(said) && !/\n\s+at |internal:/.test(said);
}

/** A database in a folder that may only be read can be read; what would write to it says so. */
async function readOnlyFolder(reference: string, tally: Tally): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const parent = mkdtempSync(path.join(tmpdir(), 'ptw-readonly-'));
  chmodSync(parent, 0o755);
  const folder = path.join(parent, 'home');
  cpSync(reference, folder, { recursive: true });
  for (const name of ['', 'workbench.sqlite', 'workbench.sqlite.seal']) chownSync(path.join(folder, name), 0, 0);
  chmodSync(folder, 0o555);
  const as = { env: { PTW_HOME: folder, HOME: '/nonexistent' }, user: NOBODY, cwd: '/' };
  for (const args of [['runs'], ['show', '1'], ['verify', '1'], ['curve', '1']]) {
    const ended = await ptw(args, as);
    tally.hold(`read-only folder: ptw ${args[0]} works`, ended.code === 0, () => ended.said);
  }
  for (const args of [
    ['resume', '1'],
    ['run', 'demo'],
  ]) {
    const ended = await ptw(args, as);
    tally.hold(
      `read-only folder: ptw ${args[0]} refused in one sentence`,
      refusedClearly(ended, /may not be written/),
      () => ended.said,
    );
  }
  rmSync(parent, { recursive: true });
}

async function withoutHome(reference: string, tally: Tally): Promise<void> {
  // The system's own entry for the user takes HOME's place.
  const runs = await ptw(['runs'], { env: { PTW_HOME: reference } });
  tally.hold('no HOME, PTW_HOME given: works', runs.code === 0, () => runs.said);
  if (process.getuid?.() !== 0) return;
  const nobody = await ptw(['run', 'demo'], { user: 12_345, cwd: '/' });
  tally.hold(
    'no HOME and a user that the system does not know: one sentence',
    refusedClearly(nobody, /PTW_HOME|may not be written|written/),
    () => nobody.said,
  );
}

const NAMES = [
  'with space',
  'ünïcödé',
  '日本語 データ',
  'emoji 🧪',
  "quote's",
  'per%20cent',
  'hash#mark?',
  '-dash',
  'new\nline',
  'e\u0301 decomposed',
];

/** Database, images and exports in folders of such a name. */
async function strangePath(name: string, { findings, tally }: Omit<Inputs, 'images'>): Promise<void> {
  const root = path.join(emptyFolder(), name);
  const [home, images, out] = ['home', 'images', 'out'].map((part) => path.join(root, part));
  fabricateFolder({ classes: ['a', 'b'], train: 12, test: 4, height: 8, width: 8, channels: 1 }, images);
  const shown = JSON.stringify(name);
  await startRun(home, tinyConfig(images), quietHost());
  tally.hold('strange paths: run, all results equal', isDeepStrictEqual(findingsOf(home, 1), findings), () => shown);
  for (const args of [
    ['show', '1'],
    ['verify', '1'],
    ['export', '1', '--format', 'evidence', '--out', out],
    ['salvage', home, '--out', path.join(root, 'saved')],
  ]) {
    const ended = await ptw(args, { env: { PTW_HOME: home, HOME: root } });
    tally.hold(`strange paths: ptw ${args[0]}`, ended.code === 0, () => `${shown}: ${ended.said}`);
  }
  tally.hold(
    'strange paths: files are where they were asked for',
    existsSync(path.join(out, 'run-1-evidence')),
    () => shown,
  );
  rmSync(path.dirname(root), { recursive: true });
}

/** Longer than any system takes. */
async function longNames(tally: Tally): Promise<void> {
  const long = 'n'.repeat(4096);
  const home = emptyFolder();
  const attempts: readonly (readonly [string, readonly string[], NodeJS.ProcessEnv])[] = [
    ['PTW_HOME', ['run', 'demo'], { PTW_HOME: path.join(home, long) }],
    ['folder of images', ['run', 'demo', '--set', `source.dataset.folder=${long}`], { PTW_HOME: home }],
    ['name of a run', ['run', 'demo', '--set', `name=${long}`], { PTW_HOME: home }],
    ['file of a config', ['run', `${long}.json`], { PTW_HOME: home }],
    ['preset', ['run', long], { PTW_HOME: home }],
    ['folder of data', ['data', 'list', long], { PTW_HOME: home }],
    ['salvaged database', ['salvage', long, '--out', path.join(home, 'x')], { PTW_HOME: home }],
    ['folder of a salvage', ['salvage', PTW, '--out', path.join(home, long)], { PTW_HOME: home }],
  ];
  for (const [what, args, env] of attempts) {
    const ended = await ptw(args, { env: { HOME: home, ...env } });
    const isClear =
      (ended.code === 1 || ended.code === 2) && !/\n\s+at |internal:/.test(ended.said) && ended.said.trim() !== '';
    tally.hold(
      'names of 4,096 bytes: refused in words',
      isClear,
      () => `${what}: ${String(ended.code)} ${ended.said.slice(0, 600)} … ${ended.said.slice(-300)}`,
    );
  }
  mkdirSync(home, { recursive: true });
  rmSync(home, { recursive: true });
}
