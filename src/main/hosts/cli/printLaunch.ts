import Table from 'cli-table3';
import { TASK_STATES, type LaunchStatus } from '../../../shared/launch.ts';
import { placeOf, type LaunchRecord } from '../../workbench/launch/findHandle.ts';
import type { Imported } from '../../workbench/launch/importShards.ts';
import type { ScriptPreview } from '../../workbench/launch/preview.ts';

/** Rows of a table that says no more with more of them. */
const SHOWN = 60;

/** "12 done, 3 running, 5 waiting of 20 tasks" */
export function statusLine({ counts, tasks }: LaunchStatus): string {
  const parts = TASK_STATES.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  return `${parts.join(', ')} of ${tasks.length} tasks`;
}

export function printStatus(status: LaunchStatus): void {
  process.stdout.write(`Launch ${status.name} of "${status.study}" on ${status.launcher}, in ${status.folder}\n`);
  process.stdout.write(`${statusLine(status)}\n`);
  const open = status.tasks.filter(({ state }) => state !== 'done');
  if (open.length > 0) {
    const table = new Table({
      head: ['Task', 'State', 'Job', 'Node', 'Tries', 'Safe', 'Why'],
      style: { head: [], border: [] },
    });
    for (const { id, state, job, node, tries, committed, reason } of open.slice(0, SHOWN)) {
      table.push([id, state, job ?? '', node ?? '', tries, committed, reason ?? '']);
    }
    process.stdout.write(`${table.toString()}\n`);
    if (open.length > SHOWN) process.stdout.write(`and ${open.length - SHOWN} more; --json has them all\n`);
  }
  for (const { device, tasks } of status.devices) process.stdout.write(`${tasks} tasks on ${device}\n`);
  for (const notice of status.notices) process.stdout.write(`${notice}\n`);
}

export function printImported({ added, known, refused }: Imported): void {
  process.stdout.write(`${added.length} shards taken in, ${known.length} were there already\n`);
  for (const { task, reason } of refused) process.stdout.write(`${task} was not taken in: ${reason}\n`);
}

export function printLaunches(launches: readonly LaunchRecord[]): void {
  if (launches.length === 0) {
    process.stdout.write('Nothing was sent yet; send a study with: ptw study <study> --on slurm|local\n');
    return;
  }
  const table = new Table({ head: ['Launch', 'Name', 'Study', 'Sent', 'Where'], style: { head: [], border: [] } });
  for (const { id, name, studyId, createdAt, place } of launches) {
    const { ssh, folder, launcher } = placeOf(place);
    table.push([id, name, studyId, createdAt, `${launcher}, ${ssh === null ? '' : `${ssh}:`}${folder}`]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

/** One script of each kind in full, the others by number: they differ in their tasks alone. */
export function scriptsText(scripts: readonly ScriptPreview[]): string {
  const kinds = [...Map.groupBy(scripts, ({ kind }) => kind).values()];
  return kinds
    .flatMap((alike) => {
      const [{ kind, text }] = alike;
      const tasks = alike.reduce((sum, script) => sum + script.tasks, 0);
      const number = alike.length === 1 ? '1 array' : `${alike.length} arrays, of which this is the first`;
      return [`── ${kind}: ${tasks} tasks in ${number}`, text];
    })
    .join('\n');
}
