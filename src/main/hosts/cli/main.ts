import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DOMAINS, type Domain } from '../../../shared/config.ts';
import {
  EXPORT_DESCRIPTIONS,
  EXPORT_FORMATS,
  exportRun,
  type ExportRequest,
} from '../../workbench/export/exportRun.ts';
import { jsonText } from '../../workbench/export/json.ts';
import { instanceReport } from '../../workbench/instanceCertificates.ts';
import { loadExperiment, presetNames } from '../../workbench/presets.ts';
import { holds, verifyRun } from '../../workbench/verifyRun.ts';
import { reading, workbenchFolder } from '../../workbench/storeOfFolder.ts';
import { listRuns, resumeRun, showRun, startRun } from '../../workbench/workbench.ts';
import { collect, runId, type CommandContext } from './commandContext.ts';
import { addCurveCommand } from './curveCommand.ts';
import { addDataCommands } from './dataCommand.ts';
import { addHeadsCommand } from './headsCommand.ts';
import { EXIT, exitCodeOf, messageOf } from './exit.ts';
import { onTerminal, runOnTerminal } from './runOnTerminal.ts';
import { printDoctor } from './doctor.ts';
import { printInstance } from './printInstance.ts';
import { printReport, printRuns } from './printRuns.ts';
import { addLaunchCommands } from './launchCommand.ts';
import { addSalvageCommand } from './salvageCommand.ts';
import { addServeCommand } from './serveCommand.ts';
import { addStudyCommands } from './studyCommand.ts';
import { printVerification } from './printVerification.ts';

const folder = folderOrExit();

function folderOrExit(): string {
  try {
    return workbenchFolder();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

const program = new Command('ptw')
  .description('Provable Transfer Workbench: train, transfer, attack and certify image classifiers.')
  .option('--json', 'print one JSON document on standard output')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) });

const json = (): boolean => program.opts<{ json?: boolean }>().json === true;
const context: CommandContext = { program, folder, json };

function datasetIndex(text: string): number {
  const index = Number(text);
  if (!Number.isInteger(index) || index < 0)
    throw new InvalidArgumentError('expected the position of a test image, from 0');
  return index;
}

/** For `--json`: one document on standard output. */
const printJson = (value: unknown): boolean => process.stdout.write(`${jsonText(value, 2)}\n`);

const exportFormatsHelp = (): string =>
  ['\nFormats:', ...EXPORT_FORMATS.map((format) => `  ${format.padEnd(12)} ${EXPORT_DESCRIPTIONS[format]}`)].join('\n');

program
  .command('run')
  .description(`run an experiment: a preset (${presetNames().join(', ')}) or a config file`)
  .argument('<preset|config.json>')
  .option('--set <key=value>', 'change a key of the config; may be repeated', collect, [])
  .action(async (experiment: string, { set }: { set: string[] }) => {
    const config = loadExperiment(experiment, set);
    const id = await runOnTerminal((host) => startRun(folder, config, host));
    printReport(showRun(folder, id), json());
  });

program
  .command('resume')
  .description('go on with a run that was interrupted or failed')
  .argument('<run>', 'its number', runId)
  .action(async (id: number) => {
    await runOnTerminal((host) => resumeRun(folder, id, host));
    printReport(showRun(folder, id), json());
  });

program
  .command('runs')
  .description('list runs')
  .action(() => printRuns(listRuns(folder), json()));

program
  .command('show')
  .description("print a run's table")
  .argument('<run>', 'its number', runId)
  .action((id: number) => printReport(showRun(folder, id), json()));

program
  .command('certificate')
  .description("open one test image's certificates down to what each verdict turned on; --json has all evidence")
  .argument('<run>', 'its number', runId)
  .argument('<index>', 'position of the image in the test part of its data set', datasetIndex)
  .addOption(new Option('--domain <domain>', 'whose test image').choices([...DOMAINS]).default('target'))
  .option('--head <label>', 'one head only, as the table names it')
  .action((id: number, index: number, { domain, head }: { domain: Domain; head?: string }) => {
    const choice = { datasetIndex: index, domain, head: head ?? null };
    const report = reading(folder, (store) => instanceReport(store, id, choice));
    if (json()) printJson(report);
    else printInstance(report);
  });

addCurveCommand(context);
addHeadsCommand(context);
addStudyCommands(context);
addLaunchCommands(context);

program
  .command('verify')
  .description('recheck every stored verdict from its evidence; ends with 1 where one does not hold')
  .argument('<run>', 'its number', runId)
  .option('--redraw', 'draw the noise again too, and compare evidence and verdicts', false)
  .action(async (id: number, { redraw }: { redraw: boolean }) => {
    const verification = await onTerminal((reporter, signal) => verifyRun(folder, id, { redraw, reporter, signal }));
    if (json()) printJson({ holds: holds(verification), ...verification });
    else printVerification(verification);
    process.exitCode = holds(verification) ? EXIT.done : EXIT.failed;
  });

program
  .command('export')
  .description("write a run's results, weights or evidence as files")
  .argument('<run>', 'its number', runId)
  .addOption(new Option('--format <format>').choices([...EXPORT_FORMATS]).makeOptionMandatory())
  .requiredOption('--out <dir>', 'folder of the files; made if need be')
  .option('--force', 'replace files of the same names', false)
  .addHelpText('after', exportFormatsHelp())
  .action((id: number, request: ExportRequest) => {
    const files = exportRun(folder, id, request);
    if (json()) printJson({ files });
    else for (const file of files) process.stdout.write(`${file}\n`);
  });

addDataCommands(context);
addServeCommand(context);
addSalvageCommand(context);

program
  .command('doctor')
  .description('say which backend serves, and why the others do not')
  .action(() => printDoctor(json()));

// A reader that has seen enough (| head) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  } else {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
