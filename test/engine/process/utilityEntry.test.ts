import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { Job, Request, Response } from '../../../src/main/engine/process/protocol.ts';

/** A thread with the port that Electron's utility process has in place of a child's channel. */
const AS_UTILITY = `
  const { parentPort } = require('node:worker_threads');
  process.parentPort = {
    on: (_event, listener) => parentPort.on('message', (data) => listener({ data })),
    postMessage: (message) => parentPort.postMessage(message),
  };
  import(${JSON.stringify(new URL('../../../src/main/engine/process/utilityEntry.ts', import.meta.url).href)});
`;

it("the engine answers through a utility process's port as through a child's channel", async () => {
  const entry = fileURLToPath(new URL('../../../src/main/engine/process/main.ts', import.meta.url));
  const env = { ...process.env, PTW_BACKEND: 'wasm' };
  const worker = new Worker(AS_UTILITY, { eval: true, argv: [entry], env });
  const responses: Response[] = [];
  const until = (kind: Response['kind']): Promise<Response> =>
    new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (response: Response) => {
        responses.push(response);
        if (response.kind === kind) resolve(response);
      });
    });
  expect(await until('ready')).toMatchObject({ backend: { name: 'wasm' } });
  const job: Job = {
    kind: 'describe',
    transfer: {
      source: { dataset: 'fashion-mnist', trainingInstances: 100 },
      target: { dataset: 'mnist', trainingInstances: 100, size: 'source' },
      seed: 1,
    },
    instances: 10,
    attacked: { noiseAttack: 10, pgd: 10, adversarialSearch: 10 },
  };
  const done = until('done');
  worker.postMessage({ kind: 'start', id: 5, job, halvings: 0 } satisfies Request);
  expect(await done).toEqual({ kind: 'done', id: 5 });
  expect(responses.some((response) => response.kind === 'event' && response.event.kind === 'description')).toBe(true);
  await worker.terminate();
}, 60_000);
