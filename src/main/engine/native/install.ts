import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { MARKER_NAME, bindingPath, cacheRoot, findBindingSources, installFolder, readMarker } from './cache.ts';
import type { BindingSources, InstallMarker } from './cache.ts';
import type { Environment } from './command.ts';
import { compileBinding, findCompiler } from './compiler.ts';
import type { Compiler } from './compiler.ts';
import { tryInNode, type TryToLoad } from './loadCheck.ts';
import { SetupStopped, stop, unavailable } from './outcome.ts';
import type { Unavailable } from './outcome.ts';
import { downloadWheel, findPython } from './pip.ts';
import type { PythonTools } from './pip.ts';
import { makeAside, moveIntoPlace, removeAbandoned } from './aside.ts';
import { unpackWheel } from './unpack.ts';
import { chooseVariant, noWheel } from './variant.ts';
import { TENSORFLOW_VERSION, wheelSet } from './wheels.ts';
import type { Variant, WheelSet } from './wheels.ts';

export interface InstallRequest {
  /** Where PTW_TENSORFLOW, PTW_CACHE_DIR, CXX and PATH are read; also the environment of pip and the compiler. */
  readonly env: Environment;
  /** Given plain lines about what takes long, before it starts. */
  readonly log: (line: string) => void;
  /** Else in a Node of its own. */
  readonly tryToLoad?: TryToLoad;
  /** In place of PTW_TENSORFLOW. */
  readonly variant?: Variant;
  /** In place of this machine's, for tests. */
  readonly platform?: string;
  readonly arch?: string;
  readonly sources?: BindingSources | null;
  readonly wheels?: WheelSet;
}

export type InstallOutcome =
  | { readonly status: 'ready'; readonly folder: string; readonly marker: InstallMarker; readonly fresh: boolean }
  | Unavailable;

/** What every step of an installation needs. */
interface Plan {
  readonly env: Environment;
  readonly platform: string;
  readonly variant: Variant;
  readonly sources: BindingSources;
  readonly set: WheelSet;
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly tryToLoad: TryToLoad;
}

/**
 * Puts native TensorFlow into the per-user cache unless it is there already: fetches the pinned wheels with pip,
 * unpacks their libraries, compiles tfjs-node's addon against them and tries it in a process of its own.
 * Never throws for what a machine may lack: that is an outcome. Several installations may run at once; the first one
 * to be complete is renamed into place and the others step aside.
 */
export async function installTensorFlow(request: InstallRequest): Promise<InstallOutcome> {
  try {
    const plan = await makePlan(request);
    const present = readMarker(plan.folder);
    if (present !== null) return { status: 'ready', folder: plan.folder, marker: present, fresh: false };
    return await installAside(plan);
  } catch (error) {
    if (error instanceof SetupStopped) return error.outcome;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return unavailable('disk-full', 'The disk filled up during the setup.');
    return unavailable('unpack-failed', `The setup failed on a file: ${message}`);
  }
}

async function makePlan(request: InstallRequest): Promise<Plan> {
  const { env, log, platform = process.platform, arch = process.arch } = request;
  const choice = request.variant === undefined ? await chooseVariant(env) : null;
  if (choice?.status === 'unavailable') throw new SetupStopped(choice);
  const variant = request.variant ?? choice!.variant;
  const set = request.wheels ?? wheelSet(platform, arch, variant);
  if (set === null) throw new SetupStopped(noWheel(platform, arch, variant));
  const sources = request.sources === undefined ? findBindingSources() : request.sources;
  if (sources === null) {
    return stop(
      'package-absent',
      'The optional package @tensorflow/tfjs-node-gpu, whose binding is compiled, is absent.',
    );
  }
  const folder = installFolder(cacheRoot(env), variant, sources);
  const { tryToLoad = tryInNode(env) } = request;
  return { env, platform, variant, sources, set, log, tryToLoad, folder };
}

/** Builds in a temporary sibling of the final folder, so that the rename stays on one file system. */
async function installAside(plan: Plan): Promise<InstallOutcome> {
  const compiler = await findCompiler(plan.env, plan.platform);
  const tools = await findPython(plan.env);
  const parent = path.dirname(plan.folder);
  mkdirSync(parent, { recursive: true });
  removeAbandoned(parent);
  await requireSpace(plan, parent);
  announce(plan);
  const aside = makeAside(parent);
  try {
    await build(plan, { compiler, tools, aside });
    moveIntoPlace(aside, plan.folder);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  const marker = readMarker(plan.folder);
  if (marker === null) return stop('unpack-failed', `The folder ${plan.folder} was changed while it was set up.`);
  return { status: 'ready', folder: plan.folder, marker, fresh: true };
}

/** At the fullest moment everything unpacked and one wheel are there. */
async function requireSpace({ set }: Plan, parent: string): Promise<void> {
  const unpacked = set.wheels.reduce((sum, wheel) => sum + wheel.unpackedBytes, 0);
  const needed = unpacked + Math.max(...set.wheels.map((wheel) => wheel.bytes));
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < needed) {
    stop(
      'disk-full',
      `Setting up TensorFlow in ${parent} needs ${gigabytes(needed)}, and ${gigabytes(bavail * bsize)} are free.`,
    );
  }
}

function announce({ set, variant, folder, log }: Plan): void {
  const download = set.wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
  const disk = set.wheels.reduce((sum, wheel) => sum + wheel.unpackedBytes, 0);
  log(
    `Setting up native TensorFlow ${TENSORFLOW_VERSION} (${variant}): ${gigabytes(download)} to download, ` +
      `${gigabytes(disk)} on disk in ${folder}. PTW_TENSORFLOW=none does without.`,
  );
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

async function build(
  plan: Plan,
  { compiler, tools, aside }: { readonly compiler: Compiler; readonly tools: PythonTools; readonly aside: string },
): Promise<void> {
  const { set, env, variant } = plan;
  const wheels = [];
  for (const wheel of set.wheels) {
    const download = path.join(aside, 'download');
    mkdirSync(download);
    const file = await downloadWheel(tools, wheel, download, env);
    await unpackWheel(tools, { wheel, file, target: aside }, env);
    rmSync(download, { recursive: true });
    wheels.push({ file: wheel.file, sha256: wheel.sha256 });
  }
  await compileBinding(
    { compiler, sources: plan.sources, folder: aside, libraries: set.libraries, platform: plan.platform },
    env,
  );
  const problem = await plan.tryToLoad(bindingPath(aside));
  if (problem !== null) stop('does-not-load', `The compiled binding does not load: ${problem}`);
  const marker: InstallMarker = { version: TENSORFLOW_VERSION, variant, wheels, compiler: compiler.version };
  writeFileSync(path.join(aside, MARKER_NAME), `${JSON.stringify(marker, null, 2)}\n`);
}
