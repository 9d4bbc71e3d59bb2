import { datasetLabel } from '../../shared/datasetLabel.ts';
import { DOMAINS, type Domain } from '../../shared/config.ts';
import { BadInput } from './errors.ts';
import { dataOfRun } from './learnedFrom.ts';
import type { StoredRun } from './storedRun.ts';

/**
 * Refuses to go on with a run on other images than it was made from.
 * @param task what is done with the run: "export of run 3"
 * @throws BadInput
 */
export function requireSameData(
  run: Pick<StoredRun, 'config' | 'stages'>,
  fingerprints: Readonly<Record<Domain, { readonly fingerprint: string }>>,
  task: string,
): void {
  for (const domain of DOMAINS) {
    const learned = dataOfRun(run, domain);
    const { fingerprint } = fingerprints[domain];
    if (learned === null || learned.fingerprint === fingerprint) continue;
    const { dataset } = run.config[domain];
    throw new BadInput(
      typeof dataset === 'string'
        ? `${task}: the files of ${datasetLabel(dataset)} got the fingerprint ${fingerprint}, expected those that ` +
            'the run was made from; point PTW_DATA_DIR and PTW_DATA at them'
        : `${task}: the images of ${dataset.folder} are not those that the run was made from (fingerprint: got ${fingerprint}, ` +
            `expected ${learned.fingerprint}); put the folder back as it was, or start a new run`,
    );
  }
}
