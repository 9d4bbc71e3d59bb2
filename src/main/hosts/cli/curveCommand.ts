import { Option } from 'commander';
import { DOMAINS, METHODS } from '../../../shared/config.ts';
import { certifiedCurves, radiiToShow, type CurveChoice } from '../../workbench/curves/certifiedAccuracy.ts';
import { jsonText } from '../../workbench/export/json.ts';
import { storedRun } from '../../workbench/storedRun.ts';
import { reading } from '../../workbench/storeOfFolder.ts';
import { runId, type CommandContext } from './commandContext.ts';
import { ceilingLines, curveTable, CURVE_LEGEND } from './curveTable.ts';

/** `ptw curve <run>`: certified accuracy as a function of the radius. */
export function addCurveCommand({ program, folder, json }: CommandContext): void {
  program
    .command('curve')
    .description('print certified accuracy as a function of the radius; --json has every step')
    .argument('<run>', 'its number', runId)
    .option('--head <label>', 'one head only, as the table names it')
    .addOption(new Option('--method <method>').choices([...METHODS]))
    .addOption(new Option('--domain <domain>').choices([...DOMAINS]))
    .action((id: number, { domain, head, method }: Partial<CurveChoice>) => {
      const choice = { domain: domain ?? null, head: head ?? null, method: method ?? null };
      const { curves, sigma, draws } = reading(folder, (store) => {
        const run = storedRun(store, id);
        const { sigma, draws } = run.config.certification;
        return { curves: certifiedCurves(store, run, choice), sigma, draws };
      });
      const text = json()
        ? jsonText({ run: id, sigma, draws, curves }, 2)
        : [curveTable(curves, radiiToShow(curves, sigma)), CURVE_LEGEND, ...ceilingLines(curves, draws)].join('\n');
      process.stdout.write(`${text}\n`);
    });
}
