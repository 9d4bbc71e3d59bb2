import type { Store } from '../../store/store.ts';
import { prepareHere, type Prepared, type StudyToSend } from './prepareHere.ts';
import { prepareThere } from './remote/prepareThere.ts';

/** Plans a launch, on this machine or on the login node that the settings name. @throws BadInput as planLaunch */
export function prepare(store: Store, study: StudyToSend): Promise<Prepared> {
  const host = study.settings.ssh;
  return host === undefined ? Promise.resolve(prepareHere(store, study)) : prepareThere(store, { ...study, host });
}
