import { DOMAINS, domainsOfHeads, type Domain } from '../../shared/config.ts';
import {
  ATTACKS,
  type AttackName,
  type Job,
  type JobEvent,
  type TransferDescription,
} from '../engine/process/protocol.ts';
import { runSteadily } from '../engine/process/steadily.ts';
import { ceilingText, forewarnings } from './experiments/forewarnings.ts';
import { linkStages, RunInProgress, transferSpecOf, type RunInputs } from './runInProgress.ts';
import { reopenWithoutWeights } from './mendWeights.ts';
import { requireSameData } from './sameData.ts';
import { dataKeys, planStages } from './stageKeys.ts';
import { adversarialSearchStages } from './stages/adversarialSearch.ts';
import { certificateStages } from './stages/certificates.ts';
import { extractorStage } from './stages/extractor.ts';
import { headStages } from './stages/heads.ts';
import { headSearchStage } from './stages/headSearch.ts';
import { noiseAttackStages } from './stages/noiseAttack.ts';
import { pgdStages } from './stages/pgd.ts';
import { predictionStages } from './stages/predictions.ts';

/**
 * Works off every stage of a run that is not done yet. Results are committed as the engine makes them, so that whatever
 * ends this leaves a run that goes on from the last committed instance or epoch.
 * @throws BadInput where it was begun on other images; what the engine or the store throws; nothing committed is undone
 */
export async function executeRun(inputs: RunInputs): Promise<void> {
  const description = await describe(inputs);
  const begun = { config: inputs.config, stages: inputs.store.stages.ofRun(inputs.runId) };
  requireSameData(begun, description.domains, `going on with run ${inputs.runId}`);
  sayBeforehand(inputs, description);
  const { config, runId, store } = inputs;
  const stages = linkStages(store, runId, planStages(config, dataKeys(config, description)));
  const run = new RunInProgress(inputs, description, stages);
  reopenWithoutWeights(run);
  await workOffStages(run, domainsOfHeads(config));
}

/**
 * Works off the stages that a run in progress is given, which may be some of the run's, on the instances of its description.
 * @param searched domains whose heads are scored, where the config asks for a search
 */
export async function workOffStages(run: RunInProgress, searched: readonly Domain[] = []): Promise<void> {
  const extractor = await extractorStage(run);
  // One engine trains them one after the other; several train them side by side.
  const together = run.inputs.engines.undividedSideBySide > 1 ? [DOMAINS] : DOMAINS.map((domain) => [domain]);
  for (const domains of together) await headStages(run, domains, extractor);
  for (const domain of searched) await headSearchStage(run, domain, extractor);
  for (const stages of STAGES_BY_DOMAIN) {
    for (const domain of DOMAINS) await stages(run, domain, extractor);
  }
}

/** What is known of the certificates before any of them is made. */
function sayBeforehand({ config, reporter }: RunInputs, { domains }: TransferDescription): void {
  const ceiling = ceilingText(config, Math.max(...DOMAINS.map((domain) => domains[domain].classNames.length)));
  for (const text of [...forewarnings(config), ...(ceiling === null ? [] : [ceiling])]) reporter.notice(text);
}

/** The noise attack comes before PGD, whose self-checks compare the two. */
const STAGES_BY_DOMAIN = [
  predictionStages,
  noiseAttackStages,
  pgdStages,
  adversarialSearchStages,
  certificateStages,
] as const;

/** What the engine says of the run's data, which it reads. @throws what the engine throws, a DataError of it as an EngineError */
export async function describe({
  config,
  engines,
  signal,
}: Pick<RunInputs, 'config' | 'engines' | 'signal'>): Promise<TransferDescription> {
  const told: { description?: TransferDescription } = {};
  const { instances } = config;
  const attackedBy = (name: AttackName): number => Math.min(config[name].instances ?? instances, instances);
  const attacked = Object.fromEntries(ATTACKS.map((name) => [name, attackedBy(name)])) as Record<AttackName, number>;
  const job: Job = { kind: 'describe', transfer: transferSpecOf(config), instances, attacked };
  const onEvent = (event: JobEvent): void => {
    if (event.kind === 'description') told.description = event.description;
  };
  await runSteadily(engines, { jobs: () => [job], onEvent, signal });
  if (told.description === undefined) throw new Error('internal: the engine did not describe the data');
  return told.description;
}
