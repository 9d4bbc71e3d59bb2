import { DOMAINS } from '../../../shared/config.ts';
import type { LaunchStatus } from '../../../shared/launch.ts';
import type { Store } from '../../store/store.ts';
import type { RunRecord } from '../../store/tables/run.ts';
import type { StageRecord } from '../../store/tables/stage.ts';
import { parseStoredConfig } from '../loadConfig.ts';
import { linkStages } from '../runInProgress.ts';
import { recordFigures } from '../runs/figures.ts';
import { selfChecksOf } from '../selfChecks.ts';
import { stageOf } from '../storedRun.ts';
import { parseStudy } from '../studies/loadStudy.ts';
import { runOfCell, studyOf } from '../studies/runStudy.ts';
import { importShards, type Imported } from './importShards.ts';
import type { LaunchFile } from './launchFile.ts';
import type { Done } from './records.ts';
import { instancesIn } from './shardFacts.ts';

/** How a store gets at a launch; what its row keeps. */
export interface LaunchPlace {
  readonly folder: string;
  readonly launcher: LaunchFile['launcher'];
  /** Login node whose folder it is; null for this machine's. */
  readonly ssh: string | null;
  /** The workbench's command line there. */
  readonly command: string;
}

/** A study with its runs and their stages, as they would be had they been begun here. @returns the study's number */
export function registerLaunch(store: Store, launch: LaunchFile, place: LaunchPlace): number {
  const loaded = parseStudy(launch.document, `the study of launch ${launch.name}`);
  const { id } = studyOf(store, loaded);
  for (const cell of launch.cells) {
    const { config } = cell;
    const known = runOfCell(store, id, cell);
    if (known !== null) continue;
    const run = store.runs.create({ name: (config as { name: string }).name, config, environment: null });
    store.studies.link(id, { position: cell.position, runId: run.id });
    linkStages(store, run.id, cell.stages);
    // Nothing computes it here; what comes in ends it.
    store.runs.interrupt(run.id, 0);
  }
  store.launches.record({ name: launch.name, studyId: id, place });
  return id;
}

/** Takes in the shards that are not there yet, and ends stages and runs that have become whole. */
export function takeIn(
  store: Store,
  of: { readonly launch: LaunchFile; readonly place: LaunchPlace; readonly folder: string },
  shards: readonly Pick<Done, 'task' | 'shard'>[],
): Imported {
  const { launch, folder, place } = of;
  const study = registerLaunch(store, launch, place);
  const there = new Set(store.shards.hashesOf(launch.name));
  const fresh = shards.filter(({ shard }) => !there.has(shard));
  const imported = importShards(store, folder, fresh);
  for (const { runId } of store.studies.runs(study)) settleRun(store, runId);
  const known = shards.filter(({ shard }) => there.has(shard)).map(({ task }) => task);
  return { ...imported, known: [...known, ...imported.known] };
}

/** Says of the runs what the tasks say that failed for good. */
export function recordFailures(store: Store, { name, tasks }: Pick<LaunchStatus, 'name' | 'tasks'>): void {
  const study = store.launches.findByName(name)?.studyId;
  if (study === undefined) return;
  const failed = tasks.filter(({ state }) => state === 'failed');
  for (const { position, runId } of store.studies.runs(study)) {
    const own = failed.filter(({ cell }) => cell === position);
    const run = store.runs.get(runId);
    const failure = own.map(({ id, reason }) => `${id}: ${reason ?? 'failed'}`).join('; ');
    if (own.length === 0 || run.status === 'done' || run.status === 'running' || run.failure === failure) continue;
    store.runs.resume(runId, { environment: run.environment });
    store.runs.fail(runId, { failure, seconds: 0 });
  }
}

function settleRun(store: Store, runId: number): void {
  const run = store.runs.get(runId);
  if (run.status === 'done' || run.status === 'running') return;
  const stages = store.stages.ofRun(runId);
  for (const stage of stages) settleStage(store, run, stage);
  const now = store.stages.ofRun(runId);
  if (now.some(({ status }) => status !== 'done')) return;
  const shards = now.flatMap(({ id }) => store.shards.ofStage(id));
  const seconds = now.reduce((sum, { id }) => sum + (store.shards.totals(id)?.seconds ?? 0), 0);
  store.runs.resume(runId, { environment: shards.at(0)?.provenance ?? run.environment });
  store.runs.finish(runId, seconds);
  recordFigures(store, runId);
}

/** A stage is done when every instance of it is there, however many parts they came in. */
function settleStage(store: Store, run: RunRecord, stage: StageRecord): void {
  const totals = store.shards.totals(stage.id);
  if (totals === null || (stage.status === 'done' && stage.seconds !== null)) return;
  if (stage.status !== 'done' && instancesIn(store, stage) < totals.expected) return;
  const metrics = stage.kind === 'pgd' ? pgdMetrics(store, run, stage) : undefined;
  // Its self-checks compare it with the noise attack.
  if (metrics === null) return;
  const [first] = store.shards.ofStage(stage.id);
  store.stages.setStatus(stage.id, { status: 'done', seconds: totals.seconds, metrics, environment: first.provenance });
}

/** Null until the noise attack of the same head is whole. */
function pgdMetrics(store: Store, run: RunRecord, stage: StageRecord): unknown {
  const config = parseStoredConfig(run.config, run.id);
  const stages = store.stages.ofRun(run.id);
  const domain = DOMAINS.find((one) => one === stage.domain)!;
  const noise = stageOf({ stages }, 'noise-attack', { domain, head: stage.headLabel! });
  if (noise !== undefined && noise.status !== 'done') {
    const totals = store.shards.totals(noise.id);
    if (totals === null || instancesIn(store, noise) < totals.expected) return null;
  }
  return {
    selfChecks: selfChecksOf(config, {
      pgd: store.results.pgd(stage.id),
      noise: noise === undefined ? [] : store.results.noiseAttacks(noise.id),
    }),
  };
}
