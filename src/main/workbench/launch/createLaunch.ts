import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LauncherName, LaunchSettings } from '../../../shared/launch.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { dataKeys, planStages } from '../stageKeys.ts';
import { DataAtHand } from '../studies/dataAtHand.ts';
import { expandStudy } from '../studies/expandStudy.ts';
import type { LoadedStudy } from '../studies/loadStudy.ts';
import { putArtefact } from './artefactExchange.ts';
import { writeLaunchFile, type LaunchFile } from './launchFile.ts';
import { planTasks } from './planTasks.ts';
import { program } from './program.ts';
import { artefactsOf, makeFolders } from './records.ts';

/** What need not be computed, because it was. */
export interface Known {
  /** Whether the stage is done, with its weights if it has any. */
  has(key: string): boolean;
  /** Weights of a trained stage that is done. */
  weights(key: string): Uint8Array;
}

export const NOTHING_KNOWN: Known = {
  has: () => false,
  weights(key) {
    throw new Error(`internal: nothing is known, but the weights of ${key} were asked for`);
  },
};

/** A stage that is done, with the hash of its weights if it is trained; null for one that has to be computed. */
export function finishedStage(store: Store, key: string): { readonly weights: string | null } | null {
  const stage = store.stages.findByKey(key);
  if (stage?.status !== 'done') return null;
  const weights = store.artefacts.ofStage(stage.id).find(({ role }) => role === 'weights')?.hash ?? null;
  const isTrained = stage.kind === 'extractor' || stage.kind === 'head';
  return isTrained && weights === null ? null : { weights };
}

export const knownIn = (store: Store): Known => ({
  has: (key) => finishedStage(store, key) !== null,
  weights: (key) => store.artefacts.read(finishedStage(store, key)!.weights!),
});

/** Keys of trained stages that tasks read and none of them trains. */
export function readFromElsewhere({ tasks }: Pick<LaunchFile, 'tasks'>): Set<string> {
  const trained = new Set(tasks.flatMap(({ stages }) => stages));
  return new Set(tasks.flatMap(({ inputs }) => inputs).filter((key) => !trained.has(key)));
}

export interface LaunchRequest {
  readonly launcher: LauncherName;
  readonly loaded: LoadedStudy;
  readonly settings: LaunchSettings;
  readonly known: Known;
  /** Where launches lie, unless the settings say so. */
  readonly parent: string;
}

/** What a launch would be; nothing is written. @throws BadInput where data are missing or nothing is left to compute */
export function planLaunch({ launcher, loaded, settings, known }: Omit<LaunchRequest, 'parent'>): LaunchFile {
  const data = new DataAtHand();
  const cells = expandStudy(loaded.study);
  const missing = data.missing(cells.map(({ config }) => config));
  if (missing.length > 0) {
    const lines = missing.map(({ dataset, reason }) => `  ${dataset}: ${reason}`);
    throw new BadInput(`data sets of the study are not on this machine, where it is sent from:\n${lines.join('\n')}`);
  }
  const searching = cells.find(({ config }) => config.headSearch !== undefined);
  if (searching !== undefined) {
    throw new BadInput(
      `"${searching.name}" searches for a head, whose scores no task brings back; run the study here, or send it without headSearch and ` +
        'search afterwards with ptw heads',
    );
  }
  const planned = cells.map(({ position, name, config }) => ({
    position,
    name,
    config,
    stages: planStages(config, dataKeys(config, data.describe(config))),
  }));
  const tasks = planTasks(planned, { shards: settings.shards, isKnown: (key) => known.has(key) });
  if (tasks.length === 0) {
    throw new BadInput(
      `nothing of the study "${loaded.study.name}" is left to compute: all its stages are in the database`,
    );
  }
  const createdAt = new Date().toISOString();
  return {
    format: 1,
    name: nameOf(createdAt),
    launcher,
    createdAt,
    document: loaded.document,
    settings,
    cells: planned.map((cell) => ({ ...cell, stages: [...cell.stages] })),
    tasks: tasks.map(({ part, stages, inputs, needs, ...task }) => ({
      ...task,
      part: { ...part },
      stages: [...stages],
      inputs: [...inputs],
      needs: [...needs],
    })),
    given: {},
    program: program(),
  };
}

/** "20261125-2135-1f3a" */
const nameOf = (at: string): string =>
  `${at.slice(0, 16).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;

/** Makes the launch's folder, with the weights that were there already; those that it names come from elsewhere. @returns the folder */
export function writeLaunch(
  launch: LaunchFile,
  { known, parent, settings }: Pick<LaunchRequest, 'known' | 'parent' | 'settings'>,
): string {
  const folder = join(settings.folder ?? parent, launch.name);
  mkdirSync(folder, { recursive: true });
  makeFolders(folder);
  const own = [...readFromElsewhere(launch)].filter((key) => !(key in launch.given));
  const given = Object.fromEntries(own.map((key) => [key, putArtefact(artefactsOf(folder), known.weights(key))]));
  writeLaunchFile(folder, { ...launch, given: { ...launch.given, ...given } });
  return folder;
}
