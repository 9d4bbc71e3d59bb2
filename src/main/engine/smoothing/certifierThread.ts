// Entry point of a certifier's thread: a plan in, then instances' draws in, and their certificates and the room of the draws back.
import { parentPort } from 'node:worker_threads';
import { buffersOf, type CertifierReply, type CertifierRequest } from './certifiers.ts';
import { certifyDrawn, type CertificationPlan } from './drawnInstance.ts';

let plan: CertificationPlan | null = null;

parentPort!.on('message', (request: CertifierRequest) => {
  if (request.kind === 'plan') {
    ({ plan } = request);
    return;
  }
  const { instance } = request;
  let reply: CertifierReply;
  try {
    reply = { kind: 'certified', certified: certifyDrawn(plan!, instance), samples: instance.samples };
  } catch (error) {
    reply = { kind: 'failed', error };
  }
  parentPort!.postMessage(reply, reply.kind === 'certified' ? buffersOf(instance.samples) : []);
});
