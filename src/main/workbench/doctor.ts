import { inspectBackends, type BackendReport } from '../engine/backends/doctor.ts';
import { planEngines } from '../engine/process/enginePlan.ts';

export interface DoctorReport extends BackendReport {
  /** Processes that a run divides predictions, attacks and certificates among. */
  readonly engines: number;
}

/** What `ptw doctor` shows. @throws RangeError when PTW_ENGINES is not possible */
export async function inspect(): Promise<DoctorReport> {
  const report = await inspectBackends();
  return { ...report, engines: (await planEngines()).countOn(report.serving) };
}
