// Entry point: says once what the backends are, and ends. In a process of its own, so that a fault in a native library is not the host's.
import { inspect } from '../doctor.ts';

process.send!(await inspect());
process.disconnect();
