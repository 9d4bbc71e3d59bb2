import Database from 'better-sqlite3';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import type { CertificateRecord } from '../../src/shared/results.ts';
import { DATABASE_NAME } from '../../src/main/store/store.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Random } from '../random.ts';
import { fabricateImages, findingsOf, tinyConfig, type Findings } from '../tinyRun.ts';

const HOST = path.join(import.meta.dirname, '../processes/runHost.ts');

/** An undisturbed run: what every disturbed one must find, and how many steps it tells of. */
interface Reference {
  readonly images: string;
  readonly findings: Findings;
  readonly ticks: number;
}

/** A run being killed again and again. */
interface Victim {
  readonly folder: string;
  /** "stage key, instance" of every certificate whose commit was told to have returned. */
  readonly acknowledged: Set<string>;
}

export const kill: Attack = {
  name: 'kill',
  title: 'SIGKILL of the host or the engine at random points of a run',
  count: 300,
  async run({ seed, count, say }, tally) {
    const random = new Random(seed, 'kill');
    const reference = await undisturbed();
    say(`an undisturbed run tells of ${reference.ticks} steps`);
    let left = count;
    while (left > 0) {
      const victim: Victim = { folder: emptyFolder(), acknowledged: new Set() };
      let isDone = false;
      while (!isDone) {
        const killed = await hostUntilKilled({ reference, victim, random, kills: left, tally });
        left -= killed.kills;
        isDone = killed.isDone;
        checkDatabase(reference, victim, tally);
      }
      compare(reference, victim, tally);
      rmSync(victim.folder, { recursive: true });
      say(`${count - left} of ${count} kills`);
    }
  },
};

async function undisturbed(): Promise<Reference> {
  const images = fabricateImages();
  const folder = emptyFolder();
  let ticks = 0;
  const tick = (): void => {
    ticks++;
  };
  const reporter = { began: tick, progress: tick, epoch: tick, notice: tick, ended: tick };
  await startRun(folder, tinyConfig(images), quietHost({ reporter }));
  const findings = findingsOf(folder, 1);
  rmSync(folder, { recursive: true });
  return { images, findings, ticks };
}

interface HostInputs {
  readonly reference: Reference;
  readonly victim: Victim;
  readonly random: Random;
  /** At most. */
  readonly kills: number;
  readonly tally: Tally;
}

/** Starts a host on the victim and kills it, or its engines, at steps chosen beforehand; without kills left it works to the end. */
async function hostUntilKilled({ reference, victim, random, kills, tally }: HostInputs) {
  const child = spawn(process.execPath, [HOST, victim.folder, reference.images], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const outcome = { kills: 0, isDone: false };
  let engine = 0;
  let steps = 0;
  let plan = nextKill(reference, random);
  // Before the first step there is nothing to count: a host that starts is killed by the clock.
  const early = kills > 0 && random.chance(0.15) ? setTimeout(() => strike('host'), random.below(1500)) : undefined;
  const strike = (what: 'host' | 'engine'): void => {
    if (outcome.kills >= kills || outcome.isDone || child.signalCode !== null) return;
    outcome.kills++;
    if (what === 'host') killProcess(child.pid!);
    else killProcess(engine);
    tally.add(`${what} killed`);
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, ...rest] = line.split(' ');
    if (kind === 'engine') engine = Number(rest[0]);
    if (kind === 'ack') victim.acknowledged.add(rest.join(' '));
    if (kind === 'done') outcome.isDone = true;
    if (kind === 'notice') tally.add('engine started again by its host');
    if (kind === 'error') checkSentence(rest.join(' '), tally);
    if (kind !== 'tick' || ++steps !== plan.step) continue;
    const { what, delay } = plan;
    setTimeout(() => strike(what), delay);
    // Where the engine alone is killed its host goes on, to the next kill.
    plan = nextKill(reference, random);
    steps = 0;
  }
  clearTimeout(early);
  await ended(child, exited);
  return outcome;
}

function nextKill({ ticks }: Reference, random: Random) {
  const what = random.chance(0.5) ? ('host' as const) : ('engine' as const);
  return { what, step: 1 + random.below(Math.ceil(ticks / 3)), delay: random.below(30) };
}

function killProcess(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself between the plan and the kill.
  }
}

async function ended(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await exited;
}

/** A host ends with an error for one reason: engines that die without a result between. */
function checkSentence(text: string, tally: Tally): void {
  const expected = /^run 1 failed: the engine was ended by SIGKILL .*, 3 times in a row without a result between; what/;
  tally.hold('run failed after three engines in a row, in one sentence', expected.test(text), () => text);
}

function checkDatabase({ findings }: Reference, { folder, acknowledged }: Victim, tally: Tally): void {
  const file = path.join(folder, DATABASE_NAME);
  let db: Database.Database;
  try {
    db = new Database(file, { fileMustExist: true });
  } catch {
    tally.hold('killed before there was a database', acknowledged.size === 0);
    return;
  }
  const integrity = db.pragma('integrity_check', { simple: true });
  tally.hold('integrity_check ok', integrity === 'ok', () => String(integrity));
  const broken = db.pragma('foreign_key_check') as unknown[];
  tally.hold('foreign_key_check ok', broken.length === 0, () => `${broken.length} rows`);
  const isMade = db.pragma('user_version', { simple: true }) !== 0;
  db.close();
  if (!isMade || acknowledged.size === 0) return;
  reading(folder, (store) => {
    for (const name of acknowledged) {
      const [key, index] = name.split(' ');
      const expected = (findings.get(`certification ${key}`) as { certificates: CertificateRecord[] }).certificates;
      const stage = store.stages.findByKey(key);
      const stored = stage === null ? [] : store.results.instanceCertificates(stage.id, Number(index));
      const isThere = isDeepStrictEqual(
        stored,
        expected.filter(({ datasetIndex }) => datasetIndex === Number(index)),
      );
      tally.hold('acknowledged instances found again, bit for bit', isThere, () => `${folder} ${name}`);
    }
  });
}

function compare({ findings }: Reference, { folder }: Victim, tally: Tally): void {
  const found = findingsOf(folder, 1);
  const wrong = [...findings].filter(([stage, expected]) => !isDeepStrictEqual(found.get(stage), expected));
  tally.hold(
    'resumed runs whose every result equals an undisturbed run',
    found.size === findings.size && wrong.length === 0,
    () => wrong.map(([stage]) => stage).join(', '),
  );
}
