import type { DatasetChoice } from './config.ts';

/** What a data set is called where people read it: its name, or that of its folder. */
export function datasetLabel(choice: DatasetChoice): string {
  if (typeof choice === 'string') return choice;
  const parts = choice.folder.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  return parts.at(-1) ?? choice.folder;
}
