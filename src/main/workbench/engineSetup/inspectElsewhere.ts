import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../../engine/process/client.ts';
import type { DoctorReport } from '../doctor.ts';

const PROCESS = fileURLToPath(new URL('./inspectProcess.ts', import.meta.url));

/** The doctor's report, made by another process. @throws EngineError when that ends without one */
export function inspectElsewhere(): Promise<DoctorReport> {
  return new Promise((resolve, reject) => {
    const child = fork(PROCESS, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('message', (report) => resolve(report as DoctorReport));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const how = signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`;
      // After a report this settles nothing.
      reject(new EngineError(`the process that inspects the backends ${how}: ${said.trim().slice(-2000)}`));
    });
  });
}
