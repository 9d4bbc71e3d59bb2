// Entry point of a certifier's thread: one instance's draws in, its certificates and the room of the draws back.
import { parentPort, workerData } from 'node:worker_threads';
import { buffersOf, type CertifierReply } from './certifiers.ts';
import { certifyDrawn, type CertificationPlan, type DrawnInstance } from './drawnInstance.ts';

const plan = workerData as CertificationPlan;

parentPort!.on('message', (instance: DrawnInstance) => {
  let reply: CertifierReply;
  try {
    reply = { kind: 'certified', certified: certifyDrawn(plan, instance), samples: instance.samples };
  } catch (error) {
    reply = { kind: 'failed', error };
  }
  parentPort!.postMessage(reply, reply.kind === 'certified' ? buffersOf(instance.samples) : []);
});
