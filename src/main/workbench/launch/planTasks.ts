import type { Domain, ExperimentConfig } from '../../../shared/config.ts';
import type { TaskKind } from '../../../shared/launch.ts';
import type { StageKind } from '../../store/tables/stage.ts';
import type { StagePlan } from '../stageKeys.ts';

/** A piece of a study that one process computes: stages of one run, or the part of their instances that falls to it. */
export interface Task {
  /** Unique in its launch, and a file's name. */
  readonly id: string;
  readonly kind: TaskKind;
  /** The place of the grid whose config it goes by. */
  readonly cell: number;
  readonly title: string;
  /** Of the instances; every `of`-th from `index` on. */
  readonly part: { readonly index: number; readonly of: number };
  /** Keys of the stages that it computes. */
  readonly stages: readonly string[];
  /** Keys of the trained stages that it reads. */
  readonly inputs: readonly string[];
  /** Ids of the tasks that train those. */
  readonly needs: readonly string[];
}

export interface CellToPlan {
  readonly position: number;
  readonly name: string;
  readonly config: Pick<ExperimentConfig, 'instances'>;
  readonly stages: readonly StagePlan[];
}

export interface Planning {
  /** Parts that instances are split into. */
  readonly shards: number;
  /** Whether a stage need not be computed. */
  readonly isKnown: (key: string) => boolean;
}

const KIND_OF_TASK: Readonly<Record<StageKind, TaskKind>> = {
  extractor: 'extractor',
  head: 'heads',
  prediction: 'attacks',
  pgd: 'attacks',
  'noise-attack': 'attacks',
  'adversarial-search': 'attacks',
  certification: 'certificates',
};

/**
 * The tasks of a study, each after those that it needs. A stage that several runs share is computed once, by the first. Heads of a domain
 * are trained together and certified together, since one pass of the extractor serves them all.
 */
export function planTasks(cells: readonly CellToPlan[], { shards, isKnown }: Planning): Task[] {
  const tasks: Task[] = [];
  const computed = new Set<string>();
  const trainedBy = new Map<string, string>();
  for (const cell of cells) {
    const open = cell.stages.filter(({ key }) => !computed.has(key) && !isKnown(key));
    for (const { key } of open) computed.add(key);
    const pieces = Map.groupBy(open, (plan) => pieceOf(plan, open));
    for (const [piece, plans] of pieces) {
      const { kind, domain } = JSON.parse(piece) as { kind: TaskKind; domain: Domain | null };
      const own = new Set(plans.map(({ key }) => key));
      const inputs = inputsOf(plans, cell).filter((key) => !own.has(key));
      const of = kind === 'extractor' || kind === 'heads' ? 1 : Math.min(shards, cell.config.instances);
      for (let index = 0; index < of; index++) {
        const id = idOf(tasks.length, { kind, domain, index, of });
        for (const key of own) trainedBy.set(key, id);
        tasks.push({
          id,
          kind,
          cell: cell.position,
          title: titleOf({ kind, cell: cell.name, domain, index, of }),
          part: { index, of },
          stages: [...own],
          inputs,
          needs: [...new Set(inputs.flatMap((key) => trainedBy.get(key) ?? []))],
        });
      }
    }
  }
  return tasks;
}

/** The extractor's own head comes with it. */
function pieceOf({ kind, domain, inputs }: StagePlan, open: readonly StagePlan[]): string {
  const withExtractor = inputs['own'] === true && open.some((plan) => plan.kind === 'extractor');
  return JSON.stringify(withExtractor ? { kind: 'extractor', domain: null } : { kind: KIND_OF_TASK[kind], domain });
}

/** Keys of the extractor and of the heads that the stages are of. */
function inputsOf(plans: readonly StagePlan[], { stages }: CellToPlan): string[] {
  const extractor = stages.find(({ kind }) => kind === 'extractor')!;
  const heads = plans
    .filter(({ kind }) => kind !== 'extractor' && kind !== 'head')
    .map(({ inputs }) => inputs['head'] as string);
  return [...new Set([extractor.key, ...heads])];
}

interface Named {
  readonly kind: TaskKind;
  readonly domain: Domain | null;
  readonly index: number;
  readonly of: number;
}

function idOf(number: number, { kind, domain, index, of }: Named): string {
  const part = of === 1 ? [] : [`${index + 1}of${of}`];
  return [String(number).padStart(4, '0'), kind, ...(domain === null ? [] : [domain]), ...part].join('-');
}

function titleOf({ kind, cell, domain, index, of }: Named & { readonly cell: string }): string {
  return [
    `${kind}: ${cell}`,
    ...(domain === null ? [] : [domain]),
    ...(of === 1 ? [] : [`part ${index + 1} of ${of}`]),
  ].join(', ');
}

/** The tasks that wait, at first hand or not, for some of these. */
export function dependents(tasks: readonly Task[], of: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  // Tasks come after those they need, so one pass is enough.
  for (const { id, needs } of tasks) if (needs.some((need) => of.has(need) || found.has(need))) found.add(id);
  return found;
}
