import Table from 'cli-table3';
import { ESTIMATED_FROM } from '../../workbench/studies/forecast.ts';
import type { StudyPlan } from '../../workbench/studies/planStudy.ts';
import type { StudyReport } from '../../workbench/studies/studyReport.ts';
import type { StudySummary } from '../../workbench/studies/storedStudy.ts';
import { studyTable } from './studyTable.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

const LEGEND = [
  'A_B base accuracy, A_M accuracy of the median prediction, A_V certified and correct, p_z and p_x shares found, all in %; Rad. mean',
  'certified radius (L2) and Δ mean distances (L∞), normalised units. "A_V paper" is the published rule, which is no proof under wn; "A_V',
  'proved" is by a sound rule. Scale: test instances a domain, n draws, extractor, epochs of extractor+head, training images of both domains.',
].join('\n');

export function printStudyReport({ study, runs, notices, tables }: StudyReport): void {
  const done = runs.filter(({ status }) => status === 'done').length;
  print(`Study ${study.id}: ${study.name} (${done} of ${runs.length} runs done)`);
  print(`Scale: ${study.scale}.`);
  for (const notice of notices) print(notice);
  for (const table of tables) {
    print(`\n${table.title}`);
    print(studyTable(table));
    print(
      table.hasPublished
        ? 'Under each number of ours, where the paper has one: the published number and the difference, ours minus published.'
        : 'No row has a published counterpart.',
    );
  }
  print(LEGEND);
  printFailures(study.id, runs);
}

/** Runs that failed for the same reason together, and how to go on. */
function printFailures(id: number, runs: StudyReport['runs']): void {
  const failed = runs.filter(({ status }) => status === 'failed');
  for (const [failure, having] of Map.groupBy(failed, (run) => run.failure ?? 'without a reason')) {
    print(`\nFailed: ${failure}`);
    for (const { run, name } of having) print(`  run ${run!}: ${name}`);
  }
  if (runs.some(({ status }) => status !== 'done')) {
    print(`\nMake what is missing, once the causes are gone: npx ptw study resume ${id}`);
  }
}

export function printStudies(studies: readonly StudySummary[]): void {
  const table = new Table({
    head: ['Study', 'Name', 'Done', 'Failed', 'Interrupted', 'Running', 'Begun'],
    style: { head: [], border: [] },
  });
  for (const { id, name, done, failed, interrupted, running, createdAt } of studies) {
    table.push([id, name, done, failed, interrupted, running, createdAt]);
  }
  print(studies.length === 0 ? 'No studies yet; start with: ptw study mini' : table.toString());
}

export function printPlan(plan: StudyPlan): void {
  print(`${plan.name}\nScale: ${plan.scale}.`);
  if (plan.study !== null) print(`Begun before, as study ${plan.study}.`);
  const table = new Table({
    head: ['', 'Run', 'Stages', 'Its own', 'Stored', 'Time', 'So far'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { position, name, stages, own, stored, seconds, status } of plan.runs) {
    table.push([position + 1, name, stages, own, stored, duration(seconds), status ?? '']);
  }
  print(table.toString());
  const { stages, distinctStages, storedStages, forecast } = plan;
  print(
    `${plan.runs.length} runs with ${stages} stages, of which ${distinctStages} differ; ${storedStages} of those are stored already.`,
  );
  print(`Time: about ${duration(forecast.seconds)}, at most where training ends early.`);
  for (const { kind, seconds, basis } of forecast.kinds) print(`  ${kind}: ${duration(seconds)} (${basis})`);
  if (forecast.kinds.some(({ isEstimate }) => isEstimate)) print(`  An estimate is from ${ESTIMATED_FROM}.`);
  for (const { dataset, trainingImages, fullTrainingImages } of plan.reduced) {
    print(`Of ${dataset} only the bundled subset is here: ${trainingImages} of ${fullTrainingImages} training images.`);
  }
  if (plan.missing.length > 0) {
    print(
      'Data sets that are missing, so that runs with them would fail (their stages are counted under placeholder keys):',
    );
    for (const { dataset, reason } of plan.missing) print(`  ${dataset}: ${reason}`);
  }
}

/** "3 h 20 min" */
function duration(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = seconds / 3600;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} days`;
}
