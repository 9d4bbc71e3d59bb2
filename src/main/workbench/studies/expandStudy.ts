import {
  experimentConfigSchema,
  type DatasetChoice,
  type ExperimentConfig,
  type HeadSpec,
} from '../../../shared/config.ts';
import { datasetLabel } from '../../../shared/datasetLabel.ts';
import type { Study, StudyProcedure } from '../../../shared/study.ts';
import { factsLookup, type FactsLookup } from '../../data/datasetFacts.ts';
import { contradictions } from '../checkConfig.ts';
import { BadInput } from '../errors.ts';
import { invalid, problemsOf } from '../loadConfig.ts';
import { headLabel } from '../stageKeys.ts';

/** A place of a study's grid: one run. */
export interface GridCell {
  /** From 0, in the order in which the runs are worked off. */
  readonly position: number;
  /** What tells it from the other runs: "fashion-mnist → mnist, adv, seed 1". */
  readonly name: string;
  /** Index into the study's transfers. */
  readonly transferIndex: number;
  /** "fashion-mnist → mnist" */
  readonly transfer: string;
  /** What tables call the procedure. */
  readonly procedure: string;
  readonly seed: number;
  /** certification.sigma, where the study has several. */
  readonly sigma: number | null;
  readonly config: ExperimentConfig;
}

type Plain = Readonly<Record<string, unknown>>;

/** What the grid gives, and the base may therefore not. */
const GIVEN_BY_GRID: readonly (readonly string[])[] = [
  ['name'],
  ['seed'],
  ['heads'],
  ['source', 'dataset'],
  ['target', 'dataset'],
  ['training', 'source', 'procedure'],
  ['training', 'heads', 'procedure'],
];

/**
 * Every run of a study. Runs that share an extractor follow each other.
 * @throws BadInput with a line for each problem and the runs that have it
 */
export function expandStudy(study: Study): GridCell[] {
  const problems = gridProblems(study);
  if (problems.length > 0) throw new BadInput(invalid(`the study "${study.name}" is not valid`, problems));
  const places = study.transfers.flatMap((transfer, transferIndex) =>
    study.seeds.flatMap((seed) =>
      study.procedures.flatMap((procedure) =>
        sigmasOf(study).flatMap((sigma) =>
          headListsOf(study).map((heads) => ({ transferIndex, transfer, seed, procedure, sigma, heads })),
        ),
      ),
    ),
  );
  const facts = factsLookup();
  const cells = places.map((place, position) => draftOf(study, { ...place, position }, facts));
  const found = cells.flatMap(({ cell, problems: own }) => own.map((problem) => ({ problem, cell })));
  if (found.length > 0)
    throw new BadInput(invalid(`the study "${study.name}" cannot run`, byProblem(found, cells.length)));
  return cells.map(({ cell }) => cell as GridCell);
}

/** Of the runs of a transfer, procedure and seed; null for the base's. */
export const sigmasOf = ({ sigmas }: Pick<Study, 'sigmas'>): readonly (number | null)[] => sigmas ?? [null];

/** Heads of each run of a transfer, procedure, seed and σ. */
function headListsOf({ extractors, heads }: Study): HeadSpec[][] {
  return extractors === 'shared' ? [heads] : heads.map((head) => [head]);
}

/** "fashion-mnist → mnist", with what a transfer says beyond its sets. */
function transferName({ transfers }: Study, { source, target }: Study['transfers'][number]): string {
  const named = (dataset: DatasetChoice, ...extras: readonly (string | undefined)[]): string => {
    const said = [...readAs(dataset), ...extras].filter((extra) => extra !== undefined);
    const name = nameAmong(transfers, dataset);
    return said.length === 0 ? name : `${name} (${said.join(', ')})`;
  };
  const images = ({ trainingInstances: count }: { trainingInstances?: number | undefined }): string | undefined =>
    count === undefined ? undefined : `${count} images`;
  const size = target.size === 'native' ? 'native size' : undefined;
  return `${named(source.dataset, images(source))} → ${named(target.dataset, images(target), size)}`;
}

/** How a folder is read, where the config says it. */
function readAs(choice: DatasetChoice): string[] {
  if (typeof choice === 'string') return [];
  const { channels, imageSize } = choice;
  return [
    ...(channels === undefined ? [] : [channels === 1 ? 'grey' : 'RGB']),
    ...(imageSize === undefined ? [] : [`${imageSize.height}×${imageSize.width}`]),
  ];
}

/** The name of a set; the path of a folder where another set of the study has the same name. */
function nameAmong(transfers: Study['transfers'], choice: DatasetChoice): string {
  const label = datasetLabel(choice);
  if (typeof choice === 'string') return label;
  const others = transfers.flatMap(({ source, target }) => [source.dataset, target.dataset]);
  const isOther = (other: DatasetChoice): boolean => typeof other === 'string' || other.folder !== choice.folder;
  return others.some((other) => isOther(other) && datasetLabel(other) === label) ? choice.folder : label;
}

export const procedureLabel = ({ label, procedure }: StudyProcedure): string => label ?? procedure;

interface Place {
  readonly position: number;
  readonly transferIndex: number;
  readonly transfer: Study['transfers'][number];
  readonly seed: number;
  readonly procedure: StudyProcedure;
  readonly sigma: number | null;
  readonly heads: readonly HeadSpec[];
}

type Draft = Omit<GridCell, 'config'> & { readonly config: ExperimentConfig | null };

function draftOf(study: Study, place: Place, facts: FactsLookup): { cell: Draft; problems: string[] } {
  const { position, transfer, seed, procedure, sigma, heads } = place;
  const names = {
    transferIndex: place.transferIndex,
    transfer: transferName(study, transfer),
    procedure: procedureLabel(procedure),
  };
  const parts = [
    names.transfer,
    names.procedure,
    ...(sigma !== null && sigmasOf(study).length > 1 ? [`σ ${sigma}`] : []),
    ...(study.extractors === 'own' ? [headLabel(heads[0])] : []),
    ...(study.seeds.length > 1 ? [`seed ${seed}`] : []),
  ];
  const cell = { position, ...names, seed, sigma, name: parts.join(', ') };
  const input = configOf(study, place, `${study.name}: ${cell.name}`.slice(0, 200));
  const parsed = experimentConfigSchema.safeParse(input);
  return parsed.success
    ? { cell: { ...cell, config: parsed.data }, problems: contradictions(parsed.data, facts) }
    : { cell: { ...cell, config: null }, problems: problemsOf(parsed.error, experimentConfigSchema, input) };
}

function configOf(
  { base, extractors }: Study,
  { transfer, seed, procedure, sigma, heads }: Place,
  name: string,
): Plain {
  const trained = (settings: Plain): Plain => ({ procedure: procedure.procedure, ...settings });
  const grid = {
    name,
    seed,
    ...transfer,
    training: { source: trained(procedure.source), heads: trained(procedure.heads) },
    heads,
    ...(sigma === null ? {} : { certification: { sigma } }),
  };
  const own = extractors === 'own' ? { extractor: { head: heads[0] } } : {};
  return merged(merged(base, grid), own);
}

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `over` where it says something, `under` elsewhere; arrays are replaced whole. */
function merged(under: Plain, over: Plain): Plain {
  const entries = Object.entries(over)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, isPlain(value) && isPlain(under[key]) ? merged(under[key], value) : value]);
  return { ...under, ...(Object.fromEntries(entries) as Plain) };
}

function gridProblems({ base, extractors, procedures, heads, seeds, sigmas, transfers }: Study): string[] {
  const given = [
    ...GIVEN_BY_GRID,
    ...(extractors === 'own' ? [['extractor', 'head']] : []),
    ...(sigmas === undefined ? [] : [['certification', 'sigma']]),
  ];
  const inBase = given
    .filter((path) => path.reduce<unknown>((at, part) => (isPlain(at) ? at[part] : undefined), base) !== undefined)
    .map((path) => `base.${path.join('.')}: the grid gives it; remove it from the base`);
  const settings = procedures.flatMap((entry, i) =>
    (['source', 'heads'] as const)
      .filter((part) => 'procedure' in entry[part])
      .map((part) => `procedures.${i}.${part}.procedure: a procedure trains extractor and heads alike; remove it`),
  );
  return [
    ...inBase,
    ...settings,
    ...repeated('procedures', procedures.map(procedureLabel), 'remove one or give it a label'),
    ...repeated('heads', heads.map(headLabel), 'remove one'),
    ...repeated('seeds', seeds.map(String), 'remove one'),
    ...repeated('sigmas', (sigmas ?? []).map(String), 'remove one'),
    ...repeated(
      'transfers',
      transfers.map((transfer) => JSON.stringify(transfer)),
      'remove one',
    ),
  ];
}

function repeated(key: string, labels: readonly string[], cure: string): string[] {
  return labels.flatMap((label, i) =>
    labels.indexOf(label) < i
      ? [`${key}.${i}: ${label} is in the list already (${key}.${labels.indexOf(label)}); ${cure}`]
      : [],
  );
}

/** Runs that a message names before it only counts them. */
const NAMED = 3;

/** One line a problem, with the runs that have it. */
function byProblem(found: readonly { problem: string; cell: Draft }[], runs: number): string[] {
  const cells = Map.groupBy(found, ({ problem }) => problem);
  return [...cells].map(([problem, having]) => {
    const names = having.slice(0, NAMED).map(({ cell }) => cell.name);
    const more = having.length > NAMED ? ` and ${having.length - NAMED} more` : '';
    return `${problem} – ${having.length === runs && runs > 1 ? `in all ${runs} runs` : `in ${names.join('; ')}${more}`}`;
  });
}
