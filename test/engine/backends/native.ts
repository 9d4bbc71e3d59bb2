import { findInstalled } from '../../../src/main/engine/native/installed.ts';

const { cpu, cuda } = await findInstalled();

/** Whether tests of native TensorFlow can run here. */
export const nativeIsInstalled = cpu.status === 'ready' || cuda.status === 'ready';

if (cpu.status === 'unavailable' && !nativeIsInstalled) {
  process.stderr.write(`SKIPPED: the tests of native TensorFlow. ${cpu.reason} ${cpu.cure}\n`);
}
