import { text } from 'node:stream/consumers';
import { InvalidArgumentError, type Command } from 'commander';
import { isSettled, RESUME_VERBS, type LaunchStatus } from '../../../shared/launch.ts';
import { jsonText } from '../../workbench/export/json.ts';
import { follow, importFrom } from '../../workbench/launch/follow.ts';
import type { LaunchHandle } from '../../workbench/launch/handle.ts';
import { findHandle } from '../../workbench/launch/findHandle.ts';
import { supervise, AGAIN } from '../../workbench/launch/local/supervise.ts';
import type { LaunchFile } from '../../workbench/launch/launchFile.ts';
import { openLaunch } from '../../workbench/launch/openLaunch.ts';
import type { Done } from '../../workbench/launch/records.ts';
import { answerPlan, planRequestSchema } from '../../workbench/launch/remote/request.ts';
import { runTask } from '../../workbench/launch/runTask.ts';
import { reading, readingIfThere, writingWhile } from '../../workbench/storeOfFolder.ts';
import type { CommandContext } from './commandContext.ts';
import { EXIT } from './exit.ts';
import { printImported, printLaunches, printStatus, statusLine } from './printLaunch.ts';
import { lineReporter } from './progress.ts';
import { interruptibly } from './runOnTerminal.ts';

function lineCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100_000)
    throw new InvalidArgumentError('expected a number of lines, at most 100000');
  return count;
}

/** `ptw launches` and `ptw launch …`. */
export function addLaunchCommands(context: CommandContext): void {
  const { program, folder, json } = context;
  const launch = program.command('launch').description('studies that were sent to Slurm or to processes of their own');
  const print = (status: LaunchStatus): void => {
    if (json()) process.stdout.write(`${jsonText(status, 2)}\n`);
    else printStatus(status);
  };
  const handleOf = (which: string): LaunchHandle => findHandle(folder, which);
  const on = (name: string, description: string): Command =>
    launch.command(name).description(description).argument('<launch>', 'its number, its name or its folder');

  on('status', 'how its tasks stand').action(async (which: string) => print(await handleOf(which).status()));
  on('advance', 'send what was not sent yet or got lost, and say how it stands').action(async (which: string) =>
    print(await handleOf(which).advance()),
  );
  on('attach', 'follow it and take in what it computes; Ctrl-C looks away').action((which: string) =>
    attach(context, handleOf(which)),
  );
  on('import', 'take in what is finished').action(async (which: string) => {
    const imported = await writingWhile(folder, (store) => importFrom(store, handleOf(which)));
    if (json()) process.stdout.write(`${jsonText(imported, 2)}\n`);
    else printImported(imported);
    if (imported.refused.length > 0) process.exitCode = EXIT.failed;
  });
  for (const verb of RESUME_VERBS) {
    on(verb, VERBS[verb]).action(async (which: string) => print(await handleOf(which).resume(verb)));
  }
  on('cancel', 'end tasks and those that wait for them; all of them without a task')
    .argument('[task...]', 'names of tasks')
    .action(async (which: string, tasks: string[]) =>
      print(await handleOf(which).cancel(tasks.length === 0 ? null : tasks)),
    );
  on('log', "the end of a task's log")
    .argument('<task>', 'its name')
    .option('--lines <n>', 'how many lines', lineCount, 40)
    .action(async (which: string, task: string, { lines }: { lines: number }) => {
      const log = await handleOf(which).log(task, lines);
      process.stdout.write(json() ? `${jsonText({ task, text: log }, 2)}\n` : `${log}\n`);
    });
  for (const verb of ['plan', 'create'] as const) {
    launch
      .command(verb, { hidden: true })
      .description('plan or make a launch for a desktop, which asks on standard input')
      .action(async () => {
        const request = planRequestSchema.parse(JSON.parse(await text(process.stdin)));
        const answer = readingIfThere(folder, (store) =>
          answerPlan({ request, home: folder, store }, verb === 'create'),
        );
        process.stdout.write(`${jsonText(answer, 0)}\n`);
      });
  }
  launch
    .command('finished', { hidden: true })
    .description('the launch and what came of it, as JSON')
    .argument('<folder>')
    .action((of: string) => {
      const { file, done } = opened(of);
      process.stdout.write(`${jsonText({ launch: file, done }, 0)}\n`);
    });
  launch
    .command('task', { hidden: true })
    .description('compute one task; what scripts run')
    .argument('<folder>')
    .argument('<task>')
    .action((of: string, task: string) => computeTask(of, task));
  launch
    .command('supervise', { hidden: true })
    .description('start the tasks that were sent to this machine')
    .argument('<folder>')
    .argument('<from>')
    .action((of: string, from: string) => supervise(of, Number(from)));
  program
    .command('launches')
    .description('list studies that were sent elsewhere')
    .action(() => {
      const launches = reading(folder, (store) => store.launches.list());
      if (json()) process.stdout.write(`${jsonText(launches, 2)}\n`);
      else printLaunches(launches);
    });
}

function opened(folder: string): { file: LaunchFile; done: Done[] } {
  const launch = openLaunch(folder);
  return { file: launch.file, done: launch.done() };
}

const VERBS = {
  'resume-unfinished': 'go on with everything that is not done: failed, cancelled and lost tasks',
  'resume-failed': 'go on with failed tasks from what they saved',
  'restart-failed': 'begin failed tasks anew',
} as const;

/** Follows a launch on the terminal. @throws BadInput as openLaunch */
export async function attach({ folder, json }: CommandContext, handle: LaunchHandle): Promise<void> {
  let said = '';
  const say = (line: string): void => {
    if (line !== said) process.stderr.write(`${line}\n`);
    said = line;
  };
  const pause = handle.place.launcher === 'slurm' ? 30_000 : 1000;
  const status = await interruptibly({ stop: () => undefined }, (signal) =>
    writingWhile(folder, (store) =>
      follow(store, handle, {
        signal,
        pause: Number(process.env['PTW_LOOK_MILLISECONDS'] ?? pause),
        missed: say,
        saw: (now, imported) => {
          say(statusLine(now));
          for (const { task, reason } of imported.refused)
            process.stderr.write(`${task} was not taken in: ${reason}\n`);
        },
      }),
    ),
  );
  if (status === null) return;
  if (json()) process.stdout.write(`${jsonText(status, 2)}\n`);
  else printStatus(status);
  if (!isSettled(status)) {
    process.stderr.write(`It goes on without this terminal; come back with: ptw launch attach ${status.name}\n`);
  } else if (status.counts.done < status.tasks.length) process.exitCode = EXIT.failed;
}

const SIGNALS = ['SIGUSR2', 'SIGTERM', 'SIGINT'] as const;

async function computeTask(folder: string, task: string): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  const reporter = lineReporter((line) => process.stdout.write(`${new Date().toISOString()} ${line}\n`));
  reporter.notice(`task ${task}, process ${process.pid}`);
  const opened = ({ backend }: { backend: { name: string; devices: readonly string[] } }): void =>
    reporter.notice(`backend ${backend.name}, ${backend.devices.join(', ')}`);
  const outcome = await runTask(folder, task, { reporter, signal: abort.signal, opened });
  reporter.notice(`task ${task}: ${outcome}`);
  process.exitCode = { done: EXIT.done, failed: EXIT.failed, again: AGAIN }[outcome];
}
