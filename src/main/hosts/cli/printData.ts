import Table from 'cli-table3';
import type { DatasetStatus } from '../../workbench/dataSets.ts';
import type { CheckedFile, CheckedSet } from '../../workbench/datasets/checkDatasets.ts';
import type { DescribedDataset } from '../../workbench/datasets/describeDataset.ts';
import { sizeText } from './sizeText.ts';

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
  process.stdout.write('ptw data get <name> downloads one there, and ptw data check compares what is there.\n');
  process.stdout.write('PTW_DATA=bundled|full chooses; PTW_DATA_DIR names another folder.\n');
}

/** A line a file. */
export function printChecked(sets: readonly CheckedSet[]): void {
  const table = new Table({
    head: ['Set', 'File', 'Size', 'State'],
    colAligns: ['left', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, files, isExtracted } of sets) {
    for (const file of files) {
      const isInside = isExtracted && file.state.kind === 'missing';
      const state = isInside ? 'extracted; no source states the checksums of what is inside' : stateOf(file);
      table.push([name, file.name, sizeText(file.bytes), state]);
    }
  }
  process.stdout.write(`${table.toString()}\n`);
  for (const { name, folder, files, isExtracted } of sets) {
    const missing = isExtracted ? 0 : files.filter(({ state }) => state.kind === 'missing').length;
    const rest = missing === 0 ? '' : `: ${missing} of ${files.length} missing, get them with: ptw data get ${name}`;
    process.stdout.write(`  ${name} in ${folder}${rest}\n`);
  }
}

function stateOf({ state, partBytes, bytes }: CheckedFile): string {
  switch (state.kind) {
    case 'missing':
      return partBytes === 0 ? 'missing' : `missing, ${Math.floor((100 * partBytes) / bytes)} % downloaded`;
    case 'original':
      return 'right';
    case 'repacked':
      return 'right, packed anew';
    case 'unknown':
      return 'unpacked; no source states the checksum of its contents';
    case 'wrong':
      return `WRONG: ${state.reason}`;
  }
}

/** The images of each class that a run would train, validate and evaluate on. */
export function printDescribed({
  name,
  title,
  origin,
  shape,
  licence,
  classes,
  counts,
  fingerprint,
}: DescribedDataset): void {
  const table = new Table({
    head: ['Label', 'Class', 'Training', 'Validation', 'Test', 'Evaluated'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const { training, validation, test, evaluated } = counts;
  const columns = [training, validation, test, evaluated];
  classes.forEach((className, label) => table.push([label, className, ...columns.map((column) => column[label])]));
  table.push(['', 'all', ...columns.map((column) => column.reduce((sum, count) => sum + count, 0))]);
  process.stdout.write(`${title} (${name}, ${origin}): ${shape.height}×${shape.width}×${shape.channels}, ${licence}\n`);
  process.stdout.write(`${table.toString()}\nFingerprint of the contents: ${fingerprint}\n`);
}
