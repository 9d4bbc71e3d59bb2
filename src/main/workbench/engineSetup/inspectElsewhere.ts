import { fileURLToPath } from 'node:url';
import { EngineError } from '../../engine/process/client.ts';
import { spawnEngine } from '../../engine/process/engineProcess.ts';
import type { DoctorReport } from '../doctor.ts';

const ENTRY = fileURLToPath(new URL('./inspectProcess.ts', import.meta.url));

/** The doctor's report, made by another process. @throws EngineError when that ends without one */
export function inspectElsewhere(): Promise<DoctorReport> {
  return new Promise((resolve, reject) => {
    const child = spawnEngine(ENTRY, process.env);
    child.onceMessage((report) => resolve(report as DoctorReport));
    child.onceError(reject);
    child.onceExit((code, signal) => {
      const how = signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`;
      // After a report this settles nothing.
      reject(new EngineError(`the process that inspects the backends ${how}; ptw doctor in a terminal says more`));
    });
  });
}
