import type { DatasetChoice } from '../../shared/config.ts';
import { loadImageFolder } from './imageFolder/loadImageFolder.ts';
import { loadDataset, type Dataset, type LoadOptions } from './loadDataset.ts';

/**
 * A data set, of the catalogue or a folder of images, read whole. All reading of images goes through here.
 * @throws DataError
 */
export function openDataset(choice: DatasetChoice, options: LoadOptions = {}): Dataset {
  return typeof choice === 'string' ? loadDataset(choice, options) : loadImageFolder(choice);
}
