import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DATABASE_NAME, openStore } from '../../src/main/store/store.ts';
import { StoreError } from '../../src/main/store/errors.ts';
import { salvage } from '../../src/main/workbench/salvage.ts';
import { resumeRun, showRun, startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, SILENT } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

/** Folders that are as a person finds them, each damaged and mended again and again. */
interface Victims {
  readonly config: ReturnType<typeof tinyConfig>;
  /** Of a run that is done, closed in order. */
  readonly closed: string;
  /** Of the same run, as a kill would have left it: with its log, without a seal. */
  readonly crashed: string;
  /** Of a run that was interrupted in training, with a checkpoint. */
  readonly training: string;
  readonly findings: Findings;
  readonly report: unknown;
}

interface Flip {
  readonly folder: string;
  readonly file: string;
  readonly position: number;
  readonly bit: number;
}

export const flips: Attack = {
  name: 'flips',
  title: 'random bits flipped in databases, closed and crashed, in weights and in checkpoints',
  count: 5000,
  async run({ seed, count, say }, tally) {
    const random = new Random(seed, 'flips');
    const victims = await prepared();
    say(`database of ${statSync(path.join(victims.closed, DATABASE_NAME)).size} bytes`);
    for (let i = 0; i < count; i++) {
      const where = random.next();
      const every = (n: number): boolean => i % n === n - 1;
      if (where < 0.45) flipClosed(victims, random, { tally, isSalvaged: every(20) });
      else if (where < 0.75) flipCrashed(victims, random, { tally, isSalvaged: every(20) });
      else if (where < 0.9) await flipArtefact(victims, random, { tally, of: 'weights', isResumed: every(500) });
      else await flipArtefact(victims, random, { tally, of: 'checkpoint', isResumed: every(500) });
      if (every(500)) say(`${i + 1} of ${count} flips`);
    }
    for (const folder of [victims.closed, victims.crashed, victims.training]) rmSync(folder, { recursive: true });
  },
};

async function prepared(): Promise<Victims> {
  const config = tinyConfig(fabricateImages());
  const closed = emptyFolder();
  await startRun(closed, config, quietHost());
  const findings = findingsOf(closed, 1);
  const report = reportOf(closed);
  return { config, closed, crashed: crashedCopy(closed), training: await inTraining(config), findings, report };
}

/** Copied while it is open and written to, log and all. */
function crashedCopy(folder: string): string {
  const work = emptyFolder();
  cpSync(folder, work, { recursive: true });
  const crashed = emptyFolder();
  const store = openStore(work);
  store.queue.log(1, { level: 'info', text: 'the last words before the crash' });
  cpSync(work, crashed, { recursive: true, filter: (name) => !name.endsWith('-shm') });
  store.close();
  rmSync(work, { recursive: true });
  return crashed;
}

async function inTraining(config: Victims['config']): Promise<string> {
  const folder = emptyFolder();
  const abort = new AbortController();
  const reporter = { ...SILENT, epoch: () => abort.abort() };
  await startRun(folder, config, quietHost({ reporter, signal: abort.signal })).catch(() => undefined);
  return folder;
}

function flip({ file, position, bit }: Flip): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  byte[0] ^= 1 << bit;
  writeSync(descriptor, byte, 0, 1, position);
  closeSync(descriptor);
}

function planned(folder: string, file: string, random: Random): Flip {
  return { folder, file, position: random.below(statSync(file).size), bit: random.below(8) };
}

interface Look {
  readonly tally: Tally;
  readonly isSalvaged: boolean;
}

/** Whatever is done with a closed database that changed, it is refused before anything of it is believed. */
function flipClosed({ closed, findings, report }: Victims, random: Random, { tally, isSalvaged }: Look): void {
  const one = planned(closed, path.join(closed, DATABASE_NAME), random);
  flip(one);
  const before = digest(one.file);
  const seen = readAll(closed);
  const name = `${one.file} byte ${one.position} bit ${one.bit}`;
  if (seen.outcome === 'refused') tally.add('closed database: refused when it is opened');
  else if (seen.outcome === 'read') {
    const isSame = isDeepStrictEqual(seen.findings, findings) && isDeepStrictEqual(seen.report, report);
    tally.hold("closed database: opened, all results equal (SQLite's counter of changes)", isSame, () => name);
  } else tally.violation(`${name}: ${seen.error}`);
  if (isSalvaged) salvaged(one.file, findings, tally);
  tally.hold('closed database: file untouched', digest(one.file) === before, () => name);
  flip(one);
}

/** SQLite itself sees damage to structure; certificates have seals; what has neither is counted where it differs unnoticed. */
function flipCrashed({ crashed, findings, report }: Victims, random: Random, { tally, isSalvaged }: Look): void {
  const folder = emptyFolder();
  cpSync(crashed, folder, { recursive: true });
  const database = path.join(folder, DATABASE_NAME);
  const log = `${database}-wal`;
  const one = planned(folder, existsSync(log) && random.chance(0.2) ? log : database, random);
  flip(one);
  const what = one.file === log ? 'log of a crashed database' : 'crashed database';
  const before = digest(database);
  if (isSalvaged) {
    salvaged(database, findings, tally);
    tally.hold(`${what}: untouched by salvage`, digest(database) === before);
  }
  const seen = readAfterCrash(folder);
  if (seen.outcome === 'refused') tally.add(`${what}: refused`);
  else if (seen.outcome === 'failed') tally.violation(`${what}, byte ${one.position}: ${seen.error}`);
  else if (isDeepStrictEqual(seen.findings, findings) && isDeepStrictEqual(seen.report, report)) {
    tally.add(`${what}: all results equal`);
  } else {
    const wrong = [...findings].filter(
      ([stage, found]) => !isDeepStrictEqual(certificates(seen.findings.get(stage)), certificates(found)),
    );
    tally.hold(
      `${what}: certificates equal, something without a seal differs unnoticed`,
      wrong.length === 0,
      () => `byte ${one.position} bit ${one.bit}: certificates of ${wrong.map(([stage]) => stage).join(', ')}`,
    );
  }
  rmSync(folder, { recursive: true });
}

const certificates = (found: unknown): unknown => (found as { certificates?: unknown } | undefined)?.certificates ?? [];

interface ArtefactLook {
  readonly tally: Tally;
  readonly of: 'weights' | 'checkpoint';
  /** Whether the run is gone on with, which computes anew what is damaged. */
  readonly isResumed: boolean;
}

async function flipArtefact(victims: Victims, random: Random, { tally, of, isResumed }: ArtefactLook): Promise<void> {
  const folder = of === 'weights' ? victims.closed : victims.training;
  const one = planned(folder, random.pick(artefactsIn(folder)), random);
  flip(one);
  const store = openStore(folder, { readonly: true });
  try {
    store.artefacts.read(path.basename(one.file));
    tally.violation(`${of} ${one.file}: damaged and read as if they were whole`);
  } catch (error) {
    const isTold = error instanceof StoreError && error.code === 'damaged';
    tally.hold(`${of}: refused`, isTold, () => String(error));
  } finally {
    store.close();
  }
  if (isResumed) await resumeCopy(victims, folder, { tally, of });
  flip(one);
}

async function resumeCopy(
  { findings }: Victims,
  from: string,
  { tally, of }: Pick<ArtefactLook, 'tally' | 'of'>,
): Promise<void> {
  const folder = emptyFolder();
  cpSync(from, folder, { recursive: true });
  await resumeRun(folder, 1, quietHost());
  const isSame = isDeepStrictEqual(withoutMetrics(findingsOf(folder, 1)), withoutMetrics(findings));
  tally.hold(`${of}: run resumed, trained again, all results equal an undisturbed run`, isSame, () => folder);
  rmSync(folder, { recursive: true });
}

const withoutMetrics = (findings: Findings): unknown[] => [...findings];

const artefactsIn = (folder: string): string[] =>
  readdirSync(path.join(folder, 'artefacts'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));

type Seen =
  | { readonly outcome: 'read'; readonly findings: Findings; readonly report: unknown }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'failed'; readonly error: string };

/** Everything that can be asked about the run. A refusal is a StoreError, or BadInput for a config that is none any more. */
function readAll(folder: string): Seen {
  try {
    return { outcome: 'read', findings: findingsOf(folder, 1), report: reportOf(folder) };
  } catch (error) {
    if (error instanceof StoreError || (error instanceof Error && error.name === 'BadInput'))
      return { outcome: 'refused' };
    return { outcome: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** A host that comes after a crash opens the database for writing, which looks at its structure. */
function readAfterCrash(folder: string): Seen {
  try {
    openStore(folder).close();
  } catch (error) {
    if (error instanceof StoreError) return { outcome: 'refused' };
    return { outcome: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  return readAll(folder);
}

function reportOf(folder: string): unknown {
  const { run, rows, config } = showRun(folder, 1);
  return { config, rows, status: run.status, certificates: run.certificates };
}

/** What a salvage keeps is what was stored, to the bit. */
function salvaged(file: string, findings: Findings, tally: Tally): void {
  const out = emptyFolder();
  try {
    const { instances } = salvage(file, out);
    const store = openStore(out, { readonly: true });
    let kept = 0;
    for (const [name, found] of findings) {
      const stage = store.stages.findByKey(name.split(' ')[1]);
      if (stage === null) continue;
      const expected = certificates(found) as { datasetIndex: number }[];
      for (const index of store.results.certifiedIndices(stage.id)) {
        const stored = store.results.instanceCertificates(stage.id, index);
        const isSame = isDeepStrictEqual(
          stored,
          expected.filter(({ datasetIndex }) => datasetIndex === index),
        );
        tally.hold('salvage: instances kept, certificates equal', isSame, () => `${name} ${index}`);
        kept++;
      }
    }
    store.close();
    tally.add(kept === 0 ? 'salvage: nothing kept' : 'salvage: made');
    if (kept !== instances) tally.violation(`salvage told of ${instances} instances, ${kept} are there`);
  } catch (error) {
    const isTold = error instanceof StoreError && error.code === 'damaged';
    tally.hold('salvage: refused, nothing can be read', isTold, () =>
      error instanceof Error ? (error.stack ?? '') : String(error),
    );
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
