import path from 'node:path';
import { openDataset } from '../../data/openDataset.ts';
import { datasetChosen } from '../datasets/datasetNames.ts';
import { BadInput } from '../errors.ts';
import { writePlan, type ExportPlan } from '../export/writePlan.ts';
import { contactSheet, type ContactSheet, type SheetRequest } from './contactSheet.ts';

export { SPLITS } from './contactSheet.ts';

export interface PreviewRequest extends SheetRequest {
  /** The picture, a .png. */
  readonly out: string;
  /** Replace a file of that name. */
  readonly force: boolean;
}

/** What `ptw data preview` wrote. */
export interface Preview extends Omit<ContactSheet, 'png'> {
  readonly file: string;
}

/**
 * Writes the contact sheet of a set or of a folder of images.
 * @throws BadInput for another name, a sheet that is too large, or a file that is no .png, is there already or cannot be written
 * @throws DataError where the set cannot be read or a class has too few images
 */
export function previewDataset(word: string, { out, force, ...request }: PreviewRequest): Preview {
  if (path.extname(out).toLowerCase() !== '.png')
    throw new BadInput(`--out "${out}": expected a file that ends in .png`);
  const { png, ...sheet } = contactSheet(openDataset(datasetChosen(word)), request);
  const name = path.basename(out);
  const plan: ExportPlan = { folder: null, files: [name], write: (open) => open(name)(png) };
  const [file] = writePlan(plan, { out: path.dirname(out), force });
  return { file, ...sheet };
}
