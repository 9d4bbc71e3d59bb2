// Entry point: says once which TensorFlow an addon holds, and ends. In a process of its own, since loading may end it.
import { BINDING_VARIABLE, type LoadReport } from './setupMessages.ts';

const addon: { exports: { TF_Version?: string } } = { exports: {} };
let report: LoadReport;
try {
  process.dlopen(addon, process.env[BINDING_VARIABLE]!);
  report = { version: addon.exports.TF_Version ?? null, problem: null };
} catch (error) {
  report = { version: null, problem: error instanceof Error ? error.message : String(error) };
}
process.send!(report);
process.disconnect();
