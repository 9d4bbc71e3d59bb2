import { createInterface } from 'node:readline/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { LAUNCHERS, type LauncherName } from '../../../shared/launch.ts';
import { jsonText } from '../../workbench/export/json.ts';
import { loadSettings } from '../../workbench/launch/loadSettings.ts';
import { prepare } from '../../workbench/launch/prepare.ts';
import { exportStudy } from '../../workbench/studies/exportStudy.ts';
import { loadStudy, studyPresetNames, type LoadedStudy } from '../../workbench/studies/loadStudy.ts';
import { planStudy } from '../../workbench/studies/planStudy.ts';
import { resumeStudy, runStudy, type StudyHost, type StudyOutcome } from '../../workbench/studies/runStudy.ts';
import { listStudies } from '../../workbench/studies/storedStudy.ts';
import { showStudy, type StudyReport } from '../../workbench/studies/studyReport.ts';
import { reading, readingIfThere, writingWhile } from '../../workbench/storeOfFolder.ts';
import { collect, type CommandContext } from './commandContext.ts';
import { EXIT } from './exit.ts';
import { attach } from './launchCommand.ts';
import { printStatus, scriptsText } from './printLaunch.ts';
import { printPlan, printStudies, printStudyReport } from './printStudy.ts';
import { runOnTerminal } from './runOnTerminal.ts';

function studyId(text: string): number {
  const id = Number(text);
  if (!Number.isInteger(id) || id < 1)
    throw new InvalidArgumentError('expected the number of a study; list them with: ptw studies');
  return id;
}

interface OutOptions {
  readonly out?: string;
  readonly force: boolean;
}

interface StudyOptions extends OutOptions, LaunchOptions {
  readonly set: readonly string[];
  readonly dryRun: boolean;
}

interface LaunchOptions {
  readonly on?: LauncherName;
  readonly launch?: string;
  readonly launchSet: readonly string[];
  readonly yes: boolean;
  readonly detach: boolean;
}

/** `ptw study <file|preset>`, `ptw study resume|show <id>` and `ptw studies`. */
export function addStudyCommands(context: CommandContext): void {
  const { program, folder, json } = context;
  const study = program
    .command('study')
    .description(`run a grid of experiments: a preset (${studyPresetNames().join(', ')}) or a file`)
    .argument('<preset|study.json>')
    .option('--set <key=value>', "change a key of the study's base; may be repeated", collect, [])
    .option('--dry-run', 'list runs, shared stages and a forecast of time, and run nothing', false)
    .addOption(
      new Option('--on <launcher>', 'send it to job arrays of Slurm, or to processes of their own here').choices([
        ...LAUNCHERS,
      ]),
    )
    .option('--launch <settings.json>', 'partition, account, time and what else it is sent with')
    .option('--launch-set <key=value>', 'change a key of the launch settings; may be repeated', collect, [])
    .option('--yes', 'send it without asking', false)
    .option('--detach', 'send it and do not follow it', false);
  withOut(study).action(async (name: string, options: StudyOptions) => {
    const loaded = loadStudy(name, options.set);
    if (options.on !== undefined) {
      await send(context, loaded, { ...options, on: options.on });
      return;
    }
    if (options.dryRun) {
      const plan = readingIfThere(folder, (store) => planStudy(store, loaded));
      if (json()) process.stdout.write(`${jsonText(plan, 2)}\n`);
      else printPlan(plan);
      return;
    }
    await workOff(context, options, (host) => runStudy(folder, loaded, host));
  });
  // Commander gives an option that both know to the outer command, so both are asked.
  const resume = study.command('resume').description('go on with a study').argument('<id>', 'its number', studyId);
  withOut(resume).action((id: number, _options: OutOptions, command: Command) =>
    workOff(context, command.optsWithGlobals(), (host) => resumeStudy(folder, id, host)),
  );
  const show = study.command('show').description("print a study's tables").argument('<id>', 'its number', studyId);
  withOut(show).action((id: number, _options: OutOptions, command: Command) =>
    report(context, command.optsWithGlobals(), showStudy(folder, id)),
  );
  program
    .command('studies')
    .description('list studies')
    .action(() => {
      const studies = reading(folder, listStudies);
      if (json()) process.stdout.write(`${jsonText(studies, 2)}\n`);
      else printStudies(studies);
    });
}

/** Shows what is sent, asks on a terminal, sends and follows. */
async function send(
  context: CommandContext,
  loaded: LoadedStudy,
  options: StudyOptions & { readonly on: LauncherName },
): Promise<void> {
  const settings = loadSettings(options.launch ?? null, options.launchSet);
  const sent = await writingWhile(context.folder, async (store) => {
    const prepared = await prepare(store, { launcher: options.on, loaded, settings });
    const { tasks, name, folder, scripts } = prepared;
    process.stderr.write(`${scriptsText(scripts)}Launch ${name}: ${tasks} tasks, in ${folder}\n`);
    if (options.dryRun || !(options.yes || (await agrees()))) return null;
    return prepared.send();
  });
  if (sent === null) return;
  if (!options.detach) await attach(context, sent.handle);
  else if (context.json()) process.stdout.write(`${jsonText(sent.status, 2)}\n`);
  else printStatus(sent.status);
}

/** Nobody can be asked where there is no terminal. */
async function agrees(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return !/^n/i.test((await lines.question('Send it? [Y/n] ')).trim());
  } finally {
    lines.close();
  }
}

function withOut<T extends { option(flags: string, description: string, value?: boolean): T }>(command: T): T {
  return command
    .option('--out <dir>', 'write the tables as csv, json and LaTeX too')
    .option('--force', 'replace files of the same names', false);
}

async function workOff(
  context: CommandContext,
  options: OutOptions,
  work: (host: StudyHost) => Promise<StudyOutcome>,
): Promise<void> {
  const say = (text: string): boolean => process.stderr.write(`${text}\n`);
  let runs = 0;
  const { study, failures } = await runOnTerminal((host) =>
    work({
      ...host,
      began: ({ id, name }, cells) => {
        runs = cells.length;
        say(`Study ${id}: ${name}, ${runs} runs`);
      },
      entered: ({ position, name }, finished) =>
        say(`\n[${position + 1}/${runs}] ${name}${finished === null ? '' : `: done already, as run ${finished}`}`),
      failed: (_cell, error) => say(`${error.message}\nThe study goes on with the next run.`),
    }),
  );
  report(context, options, showStudy(context.folder, study));
  if (failures.length > 0) process.exitCode = EXIT.failed;
}

function report({ json }: CommandContext, { out, force }: OutOptions, document: StudyReport): void {
  const files = out === undefined ? [] : exportStudy(document, { out, force });
  if (json()) {
    process.stdout.write(`${jsonText({ ...document, files }, 2)}\n`);
    return;
  }
  printStudyReport(document);
  for (const file of files) process.stdout.write(`${file}\n`);
}
