import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { launchStatusSchema, type LaunchStatus } from '../../../../shared/launch.ts';
import { sha256 } from '../../../store/artefactFiles.ts';
import { BadInput } from '../../errors.ts';
import type { Fetched, LaunchHandle } from '../handle.ts';
import { launchFileSchema, writeLaunchFile, type LaunchFile } from '../launchFile.ts';
import type { LaunchPlace } from '../launchInStore.ts';
import { doneSchema, makeFolders, type Done } from '../records.ts';
import { Ssh } from './ssh.ts';

/** Shards with their weights that are brought over at once, so that a line that breaks loses little. */
const AT_ONCE = 64;

/**
 * A launch on a machine that ssh reaches. What it says is asked there; what it computed is kept in a folder here.
 * @param mirror folder of what was brought over
 */
export function remoteHandle(place: LaunchPlace & { readonly ssh: string }, mirror: string): LaunchHandle {
  const ssh = new Ssh(place.ssh, place.command);
  const told = async (...args: string[]): Promise<LaunchStatus> =>
    launchStatusSchema.parse(await ssh.workbench(['launch', args[0], place.folder, ...args.slice(1)]));
  return {
    place,
    status: () => told('status'),
    advance: () => told('advance'),
    resume: (verb) => told(verb),
    cancel: (tasks) => told('cancel', ...(tasks ?? [])),
    async log(task, lines) {
      const answer = await ssh.workbench(['launch', 'log', place.folder, task, '--lines', String(lines)]);
      return z.object({ text: z.string() }).parse(answer).text;
    },
    fetch: (have) => fetchFrom(ssh, { from: place.folder, mirror, have }),
  };
}

const finishedSchema = z.object({ launch: launchFileSchema, done: z.array(doneSchema) });

interface Fetching {
  readonly from: string;
  readonly mirror: string;
  readonly have: ReadonlySet<string>;
}

async function fetchFrom(ssh: Ssh, { from, mirror, have }: Fetching): Promise<Fetched> {
  const { launch, done } = finishedSchema.parse(await ssh.workbench(['launch', 'finished', from]));
  keepLaunch(mirror, launch);
  const wanted = done.filter(({ shard }) => !have.has(shard));
  for (let i = 0; i < wanted.length; i += AT_ONCE) await bring(ssh, from, mirror, wanted.slice(i, i + AT_ONCE));
  return { launch, folder: mirror, done };
}

function keepLaunch(mirror: string, launch: LaunchFile): void {
  mkdirSync(mirror, { recursive: true });
  makeFolders(mirror);
  writeLaunchFile(mirror, launch);
}

/** Files are named after the hash of what is in them; one whose bytes are others is not kept. */
async function bring(ssh: Ssh, from: string, mirror: string, done: readonly Done[]): Promise<void> {
  const shards = done.map(({ shard }) => ({ name: `shards/${shard}.sqlite`, hash: shard }));
  const weights = done
    .flatMap((one) => Object.values(one.weights))
    .map((hash) => ({ name: `artefacts/${hash.slice(0, 2)}/${hash}`, hash }));
  const files = new Map([...shards, ...weights].map((file) => [file.name, file.hash]));
  const missing = [...files].filter(([name]) => !existsSync(join(mirror, name)));
  const incoming = join(mirror, 'incoming');
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  try {
    await ssh.download(
      missing.map(([name]) => name),
      from,
      incoming,
    );
    for (const [name, hash] of missing) {
      const got = sha256(readFileSync(join(incoming, name)));
      if (got !== hash) throw new BadInput(`${ssh.host}: the SHA-256 of ${from}/${name} is ${got}, expected ${hash}`);
      mkdirSync(dirname(join(mirror, name)), { recursive: true });
      renameSync(join(incoming, name), join(mirror, name));
    }
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}
