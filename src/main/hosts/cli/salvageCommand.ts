import Table from 'cli-table3';
import { statSync } from 'node:fs';
import path from 'node:path';
import { jsonText } from '../../workbench/export/json.ts';
import { databaseIn } from '../../workbench/storeOfFolder.ts';
import { salvage, type Salvage } from '../../workbench/salvage.ts';
import type { CommandContext } from './commandContext.ts';

export function addSalvageCommand({ program, json }: CommandContext): void {
  program
    .command('salvage')
    .description('save what is intact of a damaged database to a new folder; the original is only read')
    .argument('<database>', 'its file, or the folder that it lies in')
    .requiredOption('--out <dir>', 'folder of the new database, empty or not there')
    .action((database: string, { out }: { out: string }) => {
      const isFolder = statSync(database, { throwIfNoEntry: false })?.isDirectory() ?? false;
      const saved = salvage(path.resolve(isFolder ? databaseIn(database) : database), path.resolve(out));
      process.stdout.write(json() ? `${jsonText(saved, 2)}\n` : salvageText(saved));
    });
}

function salvageText(saved: Salvage): string {
  const { file, tables, instances, unsealedInstances, lostInstances, artefacts, lostArtefacts, notes } = saved;
  const table = new Table({ head: ['Table', 'Rows read', 'Left out'], style: { head: [], border: [] } });
  for (const { table: name, read, leftOut } of tables) {
    if (read > 0) table.push([name, { hAlign: 'right', content: read }, { hAlign: 'right', content: leftOut }]);
  }
  const unsealed = unsealedInstances === 0 ? '' : ` (${unsealedInstances} of them from before there were seals)`;
  return [
    table.toString(),
    ...notes,
    `Certificates of ${instances} test images are what was stored, by their seals${unsealed}; of ${lostInstances} they are not whole and were left out.`,
    `${artefacts} files of weights and checkpoints are whole by their hash, ${lostArtefacts} are not.`,
    'Predictions and attacks carry no seal and were left out; runs, stages and training curves are as they were read.',
    `To compute again what is missing: PTW_HOME=${path.dirname(file)} npx ptw resume <run>`,
    '',
  ].join('\n');
}
