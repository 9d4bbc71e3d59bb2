import { InvalidArgumentError, Option, type Command } from 'commander';
import { DATASET_NAMES, DOMAINS, type Domain } from '../../../shared/config.ts';
import { previewDataset, SPLITS, type PreviewRequest } from '../../workbench/contactSheet/previewDataset.ts';
import { describeFolder, listDatasets } from '../../workbench/dataSets.ts';
import { checkDatasets, hasMissing, hasWrong } from '../../workbench/datasets/checkDatasets.ts';
import { datasetsNamed } from '../../workbench/datasets/datasetNames.ts';
import { describeDataset } from '../../workbench/datasets/describeDataset.ts';
import { getDatasets } from '../../workbench/datasets/getDatasets.ts';
import { jsonText } from '../../workbench/export/json.ts';
import type { CommandContext } from './commandContext.ts';
import { downloadReporter } from './downloadProgress.ts';
import { EXIT } from './exit.ts';
import { printChecked, printDatasets, printDescribed } from './printData.ts';
import { interruptibly } from './runOnTerminal.ts';

const NAMES = DATASET_NAMES.join(', ');

/** `ptw data list|get|check|show|preview`. */
export function addDataCommands(context: CommandContext): void {
  const data = context.program.command('data').description('data sets');
  addList(data, context);
  addGet(data, context);
  addCheck(data, context);
  addShow(data, context);
  addPreview(data, context);
}

/** For `--json`, else what a person reads. */
function answer<T>({ json }: CommandContext, document: T, print: (document: T) => void): void {
  if (json()) process.stdout.write(`${jsonText(document, 2)}\n`);
  else print(document);
}

function countFrom(least: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isSafeInteger(count) && count >= least) return count;
    throw new InvalidArgumentError(`expected an integer of at least ${least}`);
  };
}

function addList(data: Command, context: CommandContext): void {
  data
    .command('list')
    .description('list the data sets, which of their files serve, and where full sets are looked for')
    .argument('[folder...]', 'folders of images of your own, to see what they are as data sets')
    .action((folders: string[]) =>
      answer(context, folders.length > 0 ? folders.map(describeFolder) : listDatasets(), printDatasets),
    );
}

function addGet(data: Command, context: CommandContext): void {
  data
    .command('get')
    .description('download full sets to where they are looked for; an interrupted download is gone on with')
    .argument('<name...>', `${NAMES}, or all`)
    .action(async (words: string[]) => {
      const names = datasetsNamed(words);
      const reporter = downloadReporter();
      const got = await interruptibly(reporter, (signal) =>
        getDatasets(names, { reporter, signal, environment: process.env }),
      );
      answer(context, got, (sets) => {
        for (const { files } of sets) for (const { path } of files) process.stdout.write(`${path}\n`);
      });
    });
}

function addCheck(data: Command, context: CommandContext): void {
  data
    .command('check')
    .description('compare the files that are there with the size and checksum of the distributed ones')
    .argument('[name...]', `${NAMES}; by default all`)
    .addHelpText('after', '\nEnds with 1 where a file is another, or a set that is named lacks one.')
    .action(async (words: string[]) => {
      const checked = await checkDatasets(words.length === 0 ? DATASET_NAMES : datasetsNamed(words), process.env);
      answer(context, checked, printChecked);
      const fails = checked.some((set) => hasWrong(set) || (words.length > 0 && hasMissing(set)));
      process.exitCode = fails ? EXIT.failed : EXIT.done;
    });
}

interface ShowOptions {
  readonly trainingInstances?: number;
  readonly instances?: number;
  readonly seed: number;
  readonly domain: Domain;
}

function addShow(data: Command, context: CommandContext): void {
  data
    .command('show')
    .description('count the images of each class that a run trains, validates and evaluates on')
    .argument('<name>', `${NAMES}, or a folder of images`)
    .option('--training-instances <n>', 'of a balanced subset of the training images; by default all', countFrom(1))
    .option('--instances <n>', 'evaluated test images, balanced; by default 1000 where there are as many', countFrom(1))
    .option('--seed <n>', 'of the run', countFrom(0), 0)
    .addOption(new Option('--domain <domain>', 'side of the transfer').choices([...DOMAINS]).default('source'))
    .action((name: string, { trainingInstances = null, instances = null, ...rest }: Nullable<ShowOptions>) =>
      answer(context, describeDataset(name, { trainingInstances, instances, ...rest }), printDescribed),
    );
}

type Nullable<T> = { [Key in keyof T]: undefined extends T[Key] ? T[Key] | null : T[Key] };

function addPreview(data: Command, context: CommandContext): void {
  data
    .command('preview')
    .description('write a contact sheet: as many images of each class, with its name')
    .argument('<name>', `${NAMES}, or a folder of images`)
    .requiredOption('--out <sheet.png>', 'the picture')
    .addOption(new Option('--split <split>', 'part of the set').choices([...SPLITS]).default('train'))
    .option('--seed <n>', 'of the choice of images', countFrom(0), 0)
    .option('--rows <n>', 'rows of images for each class', countFrom(1), 1)
    .option('--columns <n>', 'images in a row', countFrom(1), 10)
    .option('--force', 'replace a file of the same name', false)
    .action((name: string, request: PreviewRequest) =>
      answer(context, previewDataset(name, request), ({ file }) => process.stdout.write(`${file}\n`)),
    );
}
