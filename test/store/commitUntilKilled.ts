// A process that commits instances for ever and prints each index once its commit has returned.
import { writeSync } from 'node:fs';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';

const store = openStore(process.argv[2]);
const run = store.runs.create({ name: 'killed', config: {}, environment: {} });
const stage = store.stages.ensureStage({
  key: process.argv[3],
  kind: 'certification',
  domain: 'target',
  headLabel: null,
  inputs: {},
});
store.stages.link(run.id, stage.id, 0);
store.stages.setStatus(stage.id, { status: 'running' });
for (let index = 0; ; index += 1) {
  store.results.commitInstance(stage.id, certificatesOf(index));
  writeSync(1, `${index}\n`);
}
