import { inspectBackends, type BackendReport } from '../engine/backends/doctor.ts';

/** What `ptw doctor` shows. */
export function inspect(): Promise<BackendReport> {
  return inspectBackends();
}
