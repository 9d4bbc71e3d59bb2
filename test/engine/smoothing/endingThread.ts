// A certifier's thread that ends instead of answering, as one does that is out of memory.
import { parentPort } from 'node:worker_threads';

parentPort!.on('message', () => process.exit(7));
