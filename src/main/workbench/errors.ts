/** The user's input is wrong; the message says what, where and what is allowed. Hosts end with code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The run was told to stop and can be resumed. Hosts end with code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly runId: number;
  constructor(runId: number) {
    super(`run ${runId} was interrupted; what was done is kept, go on with: ptw resume ${runId}`);
    this.runId = runId;
  }
}

/** What stopped a run: something of its own, its engine's process again and again, or the place where results are kept. */
export type Culprit = 'run' | 'engine' | 'storage';

/** The run stopped at an error; what was committed is kept. Hosts end with code 1. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
  readonly runId: number;
  readonly reason: string;
  readonly culprit: Culprit;
  constructor(runId: number, reason: string, { cause, culprit }: { cause?: unknown; culprit: Culprit }) {
    const how = culprit === 'storage' ? 'is paused' : 'failed';
    super(`run ${runId} ${how}: ${reason}; what was committed is kept, go on with: ptw resume ${runId}`, { cause });
    this.runId = runId;
    this.reason = reason;
    this.culprit = culprit;
  }
}

/** The study was told to stop and can be resumed. Hosts end with code 130. */
export class StudyInterrupted extends Error {
  override readonly name = 'StudyInterrupted';
  readonly studyId: number;
  constructor(studyId: number, { done, runs }: { readonly done: number; readonly runs: number }) {
    super(
      `study ${studyId} was interrupted with ${done} of ${runs} runs done; what was done is kept, ` +
        `go on with: ptw study resume ${studyId}`,
    );
    this.studyId = studyId;
  }
}
