// A certifier's thread that throws outside of certifying.
import { parentPort } from 'node:worker_threads';

parentPort!.on('message', () => {
  throw new Error('nothing works here');
});
