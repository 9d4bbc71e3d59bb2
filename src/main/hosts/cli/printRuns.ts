import Table from 'cli-table3';
import { withIntervals } from '../../workbench/intervals.ts';
import type { RunReport } from '../../workbench/workbench.ts';
import type { RunSummary } from '../../workbench/workbench.ts';
import { attackSettings, SEARCH_LEGEND, searchTable, selfCheckLines } from './attackTables.ts';
import { falsifiedLines, REPORT_LEGEND, reportTable } from './reportTable.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

export function printReport({ run, config, rows, exampleInstance, studies }: RunReport, json: boolean): void {
  if (json) {
    print(JSON.stringify({ run, rows: withIntervals(rows), studies }, null, 2));
    return;
  }
  const { enabled, sigma, draws, selectionDraws, alpha, noise } = config.certification;
  print(`Run ${run.id}: ${run.name} (${run.status}${run.seconds === null ? '' : `, ${run.seconds.toFixed(0)} s`})`);
  print(reportTable(rows));
  print(REPORT_LEGEND);
  const smoothing = `σ = ${sigma}, n = ${draws}, n₀ = ${selectionDraws}, α = ${alpha}`;
  print(`${config.instances} instances a domain, ${enabled ? smoothing : 'certification switched off'}.`);
  if (config.precision !== 'float32') {
    print(`The extractor computes in ${config.precision}: accuracy, attacks and certificates are all of that model.`);
  }
  if (enabled && noise === 'lattice') {
    print('Noise on a lattice: certificates hold in floating point, and pay for it in radius.');
  }
  for (const line of [...falsifiedLines(rows), ...attackSettings(config), ...selfCheckLines(rows)]) print(line);
  const searches = searchTable(rows);
  if (searches !== null) print(`${searches}\n${SEARCH_LEGEND}`);
  for (const study of studies) print(`Part of study ${study}: npx ptw study show ${study}`);
  print(nextSteps(run, exampleInstance));
}

/** What a reader may want now, each line ready to be pasted. */
function nextSteps({ id, status }: RunSummary, exampleInstance: number | null): string {
  const onCertificates = [
    [`npx ptw certificate ${id} ${exampleInstance}`, "one image's certificates, down to what each turned on"],
    [`npx ptw curve ${id}`, 'certified accuracy as a function of the radius'],
    [`npx ptw verify ${id}`, 'recheck every verdict from its evidence; --redraw recomputes the noise too'],
  ];
  const steps = [
    [`npx ptw show ${id}`, 'this table again'],
    ...(status === 'done' ? [] : [[`npx ptw resume ${id}`, 'go on from what is done']]),
    ...(exampleInstance === null ? [] : onCertificates),
    [`npx ptw export ${id} --format csv --out results`, 'tables as files; json has all evidence'],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  return ['', 'Next:', ...steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`)].join('\n');
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
