import type { LaunchStatus, ResumeVerb } from '../../../shared/launch.ts';
import type { LaunchFile } from './launchFile.ts';
import type { LaunchPlace } from './launchInStore.ts';
import { openLaunch } from './openLaunch.ts';
import type { Done } from './records.ts';

/** What came of a launch so far, in a folder of this machine. */
export interface Fetched {
  readonly launch: LaunchFile;
  readonly folder: string;
  readonly done: readonly Pick<Done, 'task' | 'shard'>[];
}

/** A launch, wherever it is: what views and commands know of it. */
export interface LaunchHandle {
  readonly place: LaunchPlace;
  status(): Promise<LaunchStatus>;
  /** The same, after sending what was not sent yet or got lost. */
  advance(): Promise<LaunchStatus>;
  resume(verb: ResumeVerb): Promise<LaunchStatus>;
  /** Null for all. */
  cancel(tasks: readonly string[] | null): Promise<LaunchStatus>;
  log(task: string, lines: number): Promise<string>;
  /** Brings finished shards, and the weights that they name, to this machine. @param have hashes of shards that are not needed */
  fetch(have: ReadonlySet<string>): Promise<Fetched>;
}

/** @throws BadInput where the folder holds no launch */
export function directHandle(folder: string): LaunchHandle {
  const launch = openLaunch(folder);
  return {
    place: { folder, launcher: launch.file.launcher, ssh: null, command: launch.file.settings.command },
    status: () => launch.status(),
    advance: () => launch.advance(),
    resume: (verb) => launch.resume(verb),
    cancel: (tasks) => launch.cancel(tasks),
    log: (task, lines) => launch.log(task, lines),
    fetch: () => Promise.resolve({ launch: launch.file, folder, done: launch.done() }),
  };
}
