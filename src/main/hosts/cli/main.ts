import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { Interrupted } from '../../workbench/errors.ts';
import { loadExperiment } from '../../workbench/presets.ts';
import { listRuns, resumeRun, showRun, startRun, workbenchFolder } from '../../workbench/workbench.ts';
import { EXIT, exitCodeOf, messageOf } from './exit.ts';
import { runOnTerminal } from './runOnTerminal.ts';
import { printDoctor } from './doctor.ts';
import { printReport, printRuns } from './printRuns.ts';

const folder = workbenchFolder();

const program = new Command('ptw')
  .description('Provable Transfer Workbench: train, transfer, attack and certify image classifiers.')
  .option('--json', 'print one JSON document on standard output')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) });

const json = (): boolean => program.opts<{ json?: boolean }>().json === true;

function runId(text: string): number {
  const id = Number(text);
  if (!Number.isInteger(id) || id < 1)
    throw new InvalidArgumentError('expected the number of a run; list them with: ptw runs');
  return id;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

program
  .command('run')
  .description('run an experiment: a preset by name, or a config file')
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
  .command('doctor')
  .description('say which backend serves, and why the others do not')
  .action(() => printDoctor(json()));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  } else {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = error instanceof Interrupted ? EXIT.interrupted : exitCodeOf(error);
  }
}
