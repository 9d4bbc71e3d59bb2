import canonicalize from 'canonicalize';
import type { Store } from '../../store/store.ts';
import type { StudyRecord } from '../../store/studies.ts';
import { Interrupted, RunFailed, StudyInterrupted } from '../errors.ts';
import { resumeRunIn, startRunIn, type RunHost } from '../workbench.ts';
import { writingWhile } from '../storeOfFolder.ts';
import { expandStudy, type GridCell } from './expandStudy.ts';
import { parseStudy, type LoadedStudy } from './loadStudy.ts';

/** What a host needs to show while a study works. */
export interface StudyHost extends RunHost {
  /** The study has its number; told once, before its first run. */
  began(study: StudyRecord, cells: readonly GridCell[]): void;
  /** A place of the grid is taken up; `finished` is the run that fills it already. */
  entered(cell: GridCell, finished: number | null): void;
  /** The run at a place failed; the study goes on with the next. */
  failed(cell: GridCell, error: RunFailed): void;
}

/** A run of a study that ended with an error. */
export interface FailedCell {
  readonly cell: GridCell;
  readonly error: RunFailed;
}

export interface StudyOutcome {
  readonly study: number;
  readonly failures: readonly FailedCell[];
}

/**
 * Works a study off: runs that are finished stay as they are, interrupted and failed ones are resumed, and a failing run does not
 * keep the others from theirs. The same document again is the same study.
 * @throws BadInput before anything runs, and when the backend that serves cannot compute a run; StudyInterrupted; StoreError
 */
export async function runStudy(folder: string, loaded: LoadedStudy, host: StudyHost): Promise<StudyOutcome> {
  const cells = expandStudy(loaded.study);
  return writingWhile(folder, (store) => workOff(store, { study: studyOf(store, loaded), cells, host }));
}

/** The same, of a study in the store. @throws StoreError 'not-found' */
export async function resumeStudy(folder: string, id: number, host: StudyHost): Promise<StudyOutcome> {
  return writingWhile(folder, (store) => resumeStudyIn(store, id, host));
}

/** As resumeStudy. */
export async function resumeStudyIn(store: Store, id: number, host: StudyHost): Promise<StudyOutcome> {
  const study = store.studies.get(id);
  const cells = expandStudy(parseStudy(study.config, `the stored study ${id}`).study);
  return await workOff(store, { study, cells, host });
}

/** The study of this document, new if there was none. */
export function studyOf(store: Store, { study: { name }, document }: LoadedStudy): StudyRecord {
  const known = findStudy(store, document);
  return known ?? store.studies.create({ name, config: document });
}

export function findStudy(store: Store, document: unknown): StudyRecord | null {
  const text = canonicalize(document);
  return store.studies.list().find(({ config }) => canonicalize(config) === text) ?? null;
}

interface Work {
  readonly study: StudyRecord;
  readonly cells: readonly GridCell[];
  readonly host: StudyHost;
}

async function workOff(store: Store, { study, cells, host }: Work): Promise<StudyOutcome> {
  store.runs.markStale();
  host.began(study, cells);
  const failures: FailedCell[] = [];
  let done = 0;
  for (const cell of cells) {
    if (host.signal.aborted) throw new StudyInterrupted(study.id, { done, runs: cells.length });
    try {
      await workOffCell(store, { study, cell, host });
      done++;
    } catch (error) {
      if (error instanceof Interrupted) throw new StudyInterrupted(study.id, { done, runs: cells.length });
      // Where one run cannot be written, no other can.
      if (!(error instanceof RunFailed) || error.culprit === 'storage') throw error;
      failures.push({ cell, error });
      host.failed(cell, error);
    }
  }
  return { study: study.id, failures };
}

async function workOffCell(
  store: Store,
  { study, cell, host }: { study: StudyRecord; cell: GridCell; host: StudyHost },
): Promise<void> {
  const run = runOfCell(store, study.id, cell);
  host.entered(cell, run?.status === 'done' ? run.id : null);
  if (run === null) {
    const created = (runId: number): void => store.studies.link(study.id, { position: cell.position, runId });
    await startRunIn(store, cell.config, { ...host, created });
  } else if (run.status !== 'done') {
    await resumeRunIn(store, run.id, host);
  }
}

/** The run at a place of the grid; one of another config, from before the program's defaults changed, does not count. */
export function runOfCell(
  store: Store,
  studyId: number,
  { position, config }: { readonly position: number; readonly config: unknown },
) {
  const link = store.studies.runs(studyId).find((one) => one.position === position);
  if (link === undefined) return null;
  const run = store.runs.get(link.runId);
  return canonicalize(run.config) === canonicalize(config) ? run : null;
}
