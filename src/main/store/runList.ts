import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { deleteRun, deleteStage, countCertificates, selectRunsOfStage } from './tables/runDeletion.ts';
import { replaceRunFigures, selectRunsWithoutFigures } from './tables/runFigure.ts';
import {
  countRuns,
  selectConfigKeys,
  selectFigureNames,
  selectRunCell,
  selectRunColumn,
  selectRunPage,
  type ListedRow,
  type RunColumn,
  type RunOrder,
  type RunSelector,
} from './tables/runList.ts';
import {
  deleteRunTag,
  insertRunTag,
  selectTagCounts,
  selectRunOrganisation,
  selectTagsOfRun,
  updateRunArchived,
  updateRunNote,
  updateRunPinned,
} from './tables/runOrganisation.ts';
import { selectRunValues } from './tables/runValue.ts';
import { selectRun } from './tables/run.ts';
import { selectStagesOfRun } from './tables/runStage.ts';
import { selectArtefactsOfStage, selectStagesOfArtefact } from './tables/stageArtefact.ts';

export type { ListedRow, RunColumn, RunOrder, RunSelector };

/** What a person changes of runs. */
export interface RunChange {
  readonly addTags: readonly string[];
  readonly removeTags: readonly string[];
  readonly note?: string | undefined;
  readonly isPinned?: boolean | undefined;
  readonly isArchived?: boolean | undefined;
}

/** What a deletion removes, and what stays because other runs share it. */
export interface Deletion {
  readonly runs: number;
  readonly stages: readonly number[];
  readonly sharedStages: number;
  readonly certificates: number;
  /** Artefacts that nothing else holds. */
  readonly files: number;
  readonly fileBytes: number;
}

/** Runs as lists show them: filtered, sorted and paged in SQL. */
export interface RunList {
  count(selector: RunSelector): number;
  page(
    selector: RunSelector,
    page: { readonly order: readonly RunOrder[]; readonly offset: number; readonly limit: number },
  ): ListedRow[];
  /** Of every selected run. */
  column(selector: RunSelector, column: RunColumn): { readonly id: number; readonly value: string | number | null }[];
  cell(run: number, column: RunColumn): string | number | null;
  tagsOf(run: number): string[];
  /** Leaves of its config. */
  valuesOf(run: number): Map<string, string | number>;
  /** @throws StoreError 'not-found' */
  organisation(run: number): { readonly note: string; readonly isPinned: boolean; readonly isArchived: boolean };
  configKeys(): { readonly key: string; readonly values: number }[];
  figureNames(): string[];
  tags(): { readonly tag: string; readonly n: number }[];
  /** All or none. @throws StoreError 'not-found' */
  organise(runs: readonly number[], change: RunChange): void;
  setFigures(run: number, figures: ReadonlyMap<string, number>): void;
  withoutFigures(): number[];
  /** What {@link RunList.delete} would remove. @throws StoreError 'not-found', 'conflict' for a run that is worked on */
  deletionOf(runs: readonly number[]): Deletion;
  /** In one transaction; the files of artefacts that nothing holds any more are collected afterwards. @throws as deletionOf */
  delete(runs: readonly number[]): Deletion;
}

export function openRunList(db: ReadableDb): RunList {
  return {
    count: (selector) => countRuns(db, selector),
    page: (selector, page) => selectRunPage(db, selector, page),
    column: (selector, column) => selectRunColumn(db, selector, column),
    cell: (run, column) => selectRunCell(db, run, column),
    tagsOf: (run) => selectTagsOfRun(db, run),
    valuesOf: (run) => selectRunValues(db, run),
    organisation(run) {
      requireRun(db, run);
      return selectRunOrganisation(db, run);
    },
    configKeys: () => selectConfigKeys(db),
    figureNames: () => selectFigureNames(db),
    tags: () => selectTagCounts(db),
    organise(runs, { addTags, removeTags, note, isPinned, isArchived }) {
      const target = asWritable(db);
      inTransaction(target, () => {
        for (const run of runs) {
          requireRun(target, run);
          for (const tag of removeTags) deleteRunTag(target, run, tag);
          for (const tag of addTags) insertRunTag(target, run, tag);
          if (note !== undefined) updateRunNote(target, run, note);
          if (isPinned !== undefined) updateRunPinned(target, run, isPinned);
          if (isArchived !== undefined) updateRunArchived(target, run, isArchived);
        }
      });
    },
    setFigures(run, figures) {
      const target = asWritable(db);
      inTransaction(target, () => replaceRunFigures(target, run, figures));
    },
    withoutFigures: () => selectRunsWithoutFigures(db),
    deletionOf: (runs) => deletionOf(db, runs),
    delete(runs) {
      const target = asWritable(db);
      return inTransaction(target, () => {
        const deletion = deletionOf(target, runs);
        for (const run of new Set(runs)) deleteRun(target, run);
        for (const stage of deletion.stages) deleteStage(target, stage);
        return deletion;
      });
    },
  };
}

function requireRun(db: ReadableDb, id: number): NonNullable<ReturnType<typeof selectRun>> {
  const run = selectRun(db, id);
  if (run === null) throw new StoreError('not-found', `find run ${id}: there is none of this number`);
  return run;
}

function deletionOf(db: ReadableDb, runs: readonly number[]): Deletion {
  const doomed = new Set(runs);
  for (const id of doomed) {
    if (requireRun(db, id).status === 'running') {
      throw new StoreError('conflict', `delete run ${id}: it is under way; cancel it first`);
    }
  }
  const all = new Set([...doomed].flatMap((id) => selectStagesOfRun(db, id).map((stage) => stage.id)));
  const stages = [...all].filter((stage) => selectRunsOfStage(db, stage).every((run) => doomed.has(run)));
  const isDoomed = new Set(stages);
  const held = stages.flatMap((stage) => selectArtefactsOfStage(db, stage));
  const freed = new Map(
    held
      .filter(({ hash }) => selectStagesOfArtefact(db, hash).every((stage) => isDoomed.has(stage)))
      .map(({ hash, bytes }) => [hash, bytes]),
  );
  return {
    runs: doomed.size,
    stages,
    sharedStages: all.size - stages.length,
    certificates: stages.reduce((sum, stage) => sum + countCertificates(db, stage), 0),
    files: freed.size,
    fileBytes: [...freed.values()].reduce((sum, bytes) => sum + bytes, 0),
  };
}
