import { cacheSettings, cacheUse } from '../data/representationCache.ts';
import { inspectBackends, type BackendReport } from '../engine/backends/doctor.ts';
import { cacheRoot } from '../engine/native/cache.ts';
import { planEngines } from '../engine/process/enginePlan.ts';

export interface DoctorReport extends BackendReport {
  /** Processes that a run divides predictions, attacks and certificates among. */
  readonly engines: number;
  /** Noisy draws that heads were trained on, kept on disk up to a limit, in bytes. */
  readonly keptDraws: { readonly folder: string; readonly bytes: number; readonly limit: number };
}

/** What `ptw doctor` shows. @throws RangeError when PTW_ENGINES is not possible, DataError when PTW_CACHE_MB is not */
export async function inspect(): Promise<DoctorReport> {
  const report = await inspectBackends();
  const settings = cacheSettings(cacheRoot());
  const keptDraws = { ...settings, bytes: cacheUse(settings).bytes };
  return { ...report, engines: (await planEngines()).sharingOn(report.serving).environments.length, keptDraws };
}
