import Table from 'cli-table3';
import type { RunReport } from '../../workbench/workbench.ts';
import type { RunSummary } from '../../workbench/workbench.ts';
import { REPORT_LEGEND, reportTable } from './reportTable.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

export function printReport({ run, config, rows }: RunReport, json: boolean): void {
  if (json) {
    print(JSON.stringify({ run, rows }, null, 2));
    return;
  }
  const { sigma, draws, selectionDraws, alpha } = config.certification;
  print(`Run ${run.id}: ${run.name} (${run.status}${run.seconds === null ? '' : `, ${run.seconds.toFixed(0)} s`})`);
  print(reportTable(rows));
  print(REPORT_LEGEND);
  print(`${config.instances} instances a domain, σ = ${sigma}, n = ${draws}, n₀ = ${selectionDraws}, α = ${alpha}.`);
  print(`\nNext:\n  npx ptw show ${run.id}`);
}

export function printRuns(runs: readonly RunSummary[], json: boolean): void {
  if (json) {
    print(JSON.stringify(runs, null, 2));
    return;
  }
  const table = new Table({
    head: ['Run', 'Name', 'Status', 'Stages', 'Certificates', 'Started'],
    style: { head: [], border: [] },
  });
  for (const run of runs) {
    table.push([run.id, run.name, run.status, `${run.stagesDone}/${run.stages}`, run.certificates, run.createdAt]);
  }
  print(runs.length === 0 ? 'No runs yet; start with: ptw run demo' : table.toString());
}
