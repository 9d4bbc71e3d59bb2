import type { RunStatusName } from './api/runs.ts';
import type { StageView } from './api/queue.ts';
import type { DatasetName } from './config.ts';
import type { Share } from './report.ts';

/** What a study is before it runs, and what it comes to. */

export type Unit = 'percent' | 'length';
/** Tables in the shape of the paper's. */
export type PaperTableKind = 'accuracy' | 'searches' | 'smoothing';
export type TableKind = PaperTableKind | 'radius';

/** How large an experiment was, so that a small one is not mistaken for a reproduction. */
export interface Scale {
  /** Evaluated test instances a domain. */
  readonly instances: number;
  /** n; null where nothing was certified. */
  readonly draws: number | null;
  readonly extractor: string;
  /** Epochs trained so far: the extractor's, and the head's on the target. Null where neither is begun: then those of the config are the most. */
  readonly epochs: { readonly extractor: number; readonly head: number } | null;
  readonly maxEpochs: { readonly extractor: number; readonly head: number };
  /** Training images, validation images included; null where nothing was run and the folder is not there. */
  readonly images: { readonly source: number | null; readonly target: number | null };
}

/** One run's number. Percent or length, as the column's unit says. */
export interface MeasuredValue {
  readonly run: number;
  readonly seed: number;
  readonly value: number;
  /** What a percentage is of, with its 95 % Wilson interval in percent; null for lengths. */
  readonly share: (Share & { readonly interval: { readonly lower: number; readonly upper: number } }) | null;
}

/** Our number, over the seeds that have one, beside the published one. */
export interface StudyValue {
  /** Null where no run has the number. */
  readonly ours: {
    readonly mean: number;
    readonly min: number;
    readonly max: number;
    readonly values: readonly MeasuredValue[];
  } | null;
  readonly published: number | null;
  /** Ours minus published; null where either is missing. */
  readonly difference: number | null;
}

export interface StudyColumn {
  readonly key: string;
  readonly group: string;
  readonly title: string;
  readonly unit: Unit;
}

export interface StudyRow {
  /** In the order of the table's `keys`. */
  readonly keys: readonly string[];
  readonly values: readonly StudyValue[];
  readonly scales: readonly Scale[];
  /** The scales in words, one after the other where the runs of the row differ. */
  readonly scale: string;
  /** Why numbers are missing: what was not run, failed or was interrupted; null where every run is done. */
  readonly missing: string | null;
}

export interface StudyTable {
  readonly kind: TableKind;
  readonly title: string;
  readonly keys: readonly string[];
  readonly columns: readonly StudyColumn[];
  readonly rows: readonly StudyRow[];
  /** Whether the paper has a number for any row. */
  readonly hasPublished: boolean;
}

export interface StudyRunState {
  readonly position: number;
  readonly name: string;
  /** Null where it was not begun. */
  readonly run: number | null;
  readonly status: RunStatusName | null;
  readonly failure: string | null;
}

/** A study with its tables, as it stands. */
export interface StudyReport {
  readonly study: {
    readonly id: number;
    readonly name: string;
    readonly scale: string;
    readonly createdAt: string;
    /** The document it was begun with. */
    readonly config: unknown;
  };
  readonly runs: readonly StudyRunState[];
  /** What a reader of its tables should know, such as that GPUs of several models computed them. */
  readonly notices: readonly string[];
  readonly tables: readonly StudyTable[];
}

export interface KindForecast {
  readonly kind: StageView['kind'];
  readonly seconds: number;
  /** What the forecast rests on, in words. */
  readonly basis: string;
  readonly isEstimate: boolean;
}

export interface Forecast {
  readonly seconds: number;
  readonly kinds: readonly KindForecast[];
}

/** Why a data set cannot be used now. */
export interface MissingData {
  readonly dataset: string;
  readonly reason: string;
}

/** A set whose whole training part is asked for and of which only the bundled subset is here. */
export interface ReducedData {
  readonly dataset: DatasetName;
  readonly trainingImages: number;
  readonly fullTrainingImages: number;
}

export interface PlannedRun {
  readonly position: number;
  readonly name: string;
  readonly stages: number;
  /** Stages that neither an earlier run of the study nor the store has. */
  readonly own: number;
  /** Stages that the store has finished already. */
  readonly stored: number;
  /** Of its own stages; at most, and as good as the forecast's basis. */
  readonly seconds: number;
  /** What became of it so far; null where it was not begun. */
  readonly status: string | null;
}

/** What a study would do, before it does it. */
export interface StudyPlan {
  readonly name: string;
  readonly scale: string;
  /** Its number where it was begun before. */
  readonly study: number | null;
  readonly runs: readonly PlannedRun[];
  /** Stages of all runs together, and how many of them differ. */
  readonly stages: number;
  readonly distinctStages: number;
  readonly storedStages: number;
  readonly forecast: Forecast;
  readonly missing: readonly MissingData[];
  readonly reduced: readonly ReducedData[];
}
