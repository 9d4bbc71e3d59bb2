// A certifier's thread that ends instead of answering, as one does that is out of memory.
import { parentPort } from 'node:worker_threads';
import type { CertifierRequest } from '../../../src/main/engine/smoothing/certifiers.ts';

parentPort!.on('message', ({ kind }: CertifierRequest) => {
  if (kind === 'instance') process.exit(7);
});
