// A certifier's thread that throws outside of certifying.
import { parentPort } from 'node:worker_threads';
import type { CertifierRequest } from '../../../src/main/engine/smoothing/certifiers.ts';

parentPort!.on('message', ({ kind }: CertifierRequest) => {
  if (kind === 'instance') throw new Error('nothing works here');
});
