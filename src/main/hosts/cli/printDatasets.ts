import Table from 'cli-table3';
import type { DatasetStatus } from '../../workbench/dataSets.ts';

export function printDatasets(datasets: readonly DatasetStatus[]): void {
  const table = new Table({
    head: ['Name', 'Images', 'Serves', 'Training', 'Test', 'Classes', 'Licence'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'left', 'left'],
    colWidths: [null, null, null, null, null, 40, 32],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const { name, shape, serves, trainingImages, testImages, classes, licence } of datasets) {
    const size = `${shape.height}×${shape.width}×${shape.channels}`;
    table.push([name, size, serves ?? 'missing', trainingImages, testImages, classes.join(', '), licence]);
  }
  process.stdout.write(`${table.toString()}\n`);
  if (datasets.every(({ serves }) => serves === 'folder')) return;
  process.stdout.write('A full set serves where its files are found in one of these folders:\n');
  for (const { name, fullFolders, files } of datasets) {
    process.stdout.write(`  ${name}: ${fullFolders.join(', ')} (${files})\n`);
  }
  process.stdout.write('PTW_DATA=bundled|full chooses; PTW_DATA_DIR names another folder.\n');
}
