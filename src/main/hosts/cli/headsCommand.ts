import { writeFileSync } from 'node:fs';
import Table from 'cli-table3';
import { InvalidArgumentError, Option } from 'commander';
import {
  CONSTRAINTS,
  OBJECTIVES,
  type Constraint,
  type ExperimentConfig,
  type Objective,
} from '../../../shared/config.ts';
import { BadInput } from '../../workbench/errors.ts';
import { jsonText } from '../../workbench/export/json.ts';
import { chosenConfig } from '../../workbench/headSearch/chosenConfig.ts';
import { DEFAULT_GRID } from '../../workbench/headSearch/headGrid.ts';
import { planSearch } from '../../workbench/headSearch/planSearch.ts';
import {
  chosenHead,
  searchResults,
  type HeadSearchResults,
  type SearchedHead,
} from '../../workbench/headSearch/searchResults.ts';
import { storedRun } from '../../workbench/storedRun.ts';
import { reading } from '../../workbench/storeOfFolder.ts';
import { startRun } from '../../workbench/workbench.ts';
import { runId, type CommandContext } from './commandContext.ts';
import { runOnTerminal } from './runOnTerminal.ts';

interface HeadsOptions {
  readonly layers: readonly number[];
  readonly constraints: readonly Constraint[];
  readonly weights: readonly number[];
  readonly temperatures: readonly number[];
  readonly objective: Objective;
  readonly bankDraws: number;
  readonly instances?: number;
  readonly draws?: number;
  readonly out?: string;
}

/** `ptw heads <run>`: trains a grid of heads on a run's extractor and chooses one on validation images. */
export function addHeadsCommand(context: CommandContext): void {
  const { program, folder, json } = context;
  program
    .command('heads')
    .description(
      "train a grid of heads on a run's extractor from one bank of noisy draws, and choose by the mean certified radius of validation images; " +
        'of a run that is such a search, print its grid',
    )
    .argument('<run>', 'its number', runId)
    .option('--layers <list>', 'depths', numbers, DEFAULT_GRID.layers)
    .option('--constraints <list>', CONSTRAINTS.join(', '), constraintList, DEFAULT_GRID.constraints)
    .option('--weights <list>', 'λ of the objective', numbers, DEFAULT_GRID.weights)
    .option('--temperatures <list>', 'what training multiplies the logits by', numbers, DEFAULT_GRID.temperatures)
    .addOption(new Option('--objective <name>').choices([...OBJECTIVES]).default(DEFAULT_GRID.objective))
    .option('--bank-draws <m>', 'noisy draws of every training image', number, DEFAULT_GRID.draws)
    .option('--instances <n>', 'validation images that are certified (200)', number)
    .option('--draws <n>', 'draws of each (500)', number)
    .option('--out <config.json>', "write the run's config with the chosen head alone, for ptw run")
    .action(async (run: number, options: HeadsOptions) => {
      const config = reading(folder, (store) => storedRun(store, run).config);
      const search = config.headSearch === undefined ? await searchHeads(folder, { run, config, options }) : run;
      const results = reading(folder, (store) => searchResults(store, search));
      const chosen = chosenHead(results);
      if (options.out !== undefined) writeChosen(options.out, results);
      if (json()) process.stdout.write(`${jsonText({ ...results, chosen }, 2)}\n`);
      else printSearch(results, chosen);
    });
}

function searchHeads(
  folder: string,
  { run, config, options }: { readonly run: number; readonly config: ExperimentConfig; readonly options: HeadsOptions },
): Promise<number> {
  const { instances, draws, bankDraws, layers, constraints, weights, temperatures, objective } = options;
  const grid = { layers, constraints, weights, temperatures, objective, draws: bankDraws };
  const searching = planSearch({ run, config }, { grid, search: { instances, draws } });
  return runOnTerminal((host) => startRun(folder, searching, host));
}

/** @throws BadInput as chosenConfig, and where a file is there already */
function writeChosen(out: string, results: HeadSearchResults): void {
  const document = chosenConfig(results);
  try {
    writeFileSync(out, `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    throw new BadInput(`--out: ${(error as Error).message}; choose another file`);
  }
}

function printSearch({ run, config, heads }: HeadSearchResults, chosen: SearchedHead | null): void {
  const { sigma, alpha } = config.certification;
  const { draws, instances } = config.headSearch!;
  const table = new Table({
    head: ['', 'Head', 'Mean radius', 'in σ', 'Certified', 'Epochs'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
  });
  for (const { head, score, epochs } of heads) {
    const isChosen = head === chosen?.head;
    table.push([isChosen ? '→' : '', head, ...scoreCells(score, sigma), epochs]);
  }
  const print = (text: string): boolean => process.stdout.write(`${text}\n`);
  print(`Run ${run}: ${config.name}, ${heads.length} heads\n${table.toString()}`);
  print(
    `Mean label radius (L2, normalised units) of up to ${instances} validation images, 0 where not certified for the own class; σ = ${sigma}, ` +
      `n = ${draws}, α = ${alpha}. No test instance had a part in it.`,
  );
  if (chosen === null) print(`Not scored yet; go on with: npx ptw resume ${run}`);
  else
    print(
      `Chosen: ${JSON.stringify(chosen.spec)}\nCertify it on test instances, with nothing to train: npx ptw heads ${run} --out chosen.json && npx ptw run chosen.json`,
    );
}

function scoreCells(score: SearchedHead['score'], sigma: number): string[] {
  if (score === null) return ['–', '–', '–'];
  const { meanRadiusNormalised: radius, certified, instances } = score;
  return [radius.toFixed(3), (radius / sigma).toFixed(2), `${((100 * certified) / instances).toFixed(1)} %`];
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number of at least 1');
  return value;
}

function numbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (text.trim() === '' || values.some((value) => !Number.isFinite(value)))
    throw new InvalidArgumentError('expected numbers with commas between them');
  return values;
}

function constraintList(text: string): Constraint[] {
  return text.split(',').map((word) => {
    const found = CONSTRAINTS.find((known) => known === word.trim());
    if (found === undefined) throw new InvalidArgumentError(`"${word}" is none of ${CONSTRAINTS.join(', ')}`);
    return found;
  });
}
