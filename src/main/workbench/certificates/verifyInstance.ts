import type { z } from 'zod';
import type { certificatesCalls } from '../../../shared/api/certificates.ts';
import type { Domain } from '../../../shared/config.ts';
import type { CertificateRecord } from '../../../shared/results.ts';
import { startEngines, type EnginesBackend } from '../../engine/process/engines.ts';
import { verdictOf } from '../../engine/smoothing/verdictOf.ts';
import type { Store } from '../../store/store.ts';
import { checkBackend } from '../checkConfig.ts';
import { arithmeticText } from '../engineText.ts';
import { BadInput } from '../errors.ts';
import { describe } from '../executeRun.ts';
import { describeVerdict, recheck } from '../recheck.ts';
import type { RunReporter } from '../runInProgress.ts';
import { requireSameData } from '../sameData.ts';
import { headWeights, stageOf, storedRun } from '../storedRun.ts';
import { agreementOf, drawAgain } from '../verifyRun.ts';

type Verified = z.infer<(typeof certificatesCalls)['certificates.verify']['output']>;

export interface InstanceToVerify {
  readonly run: number;
  readonly domain: Domain;
  readonly head: string;
  readonly index: number;
  readonly redraw: boolean;
}

/**
 * The certificates of one image under one head: each verdict anew from its evidence, and with `redraw` all of them from the seed.
 * @throws BadInput where there are none, or the images are others than the run's; StoreError; EngineError
 */
export async function verifyInstance(
  store: Store,
  { run: id, domain, head, index, redraw }: InstanceToVerify,
  { reporter, signal }: { readonly reporter: RunReporter; readonly signal: AbortSignal },
): Promise<Verified> {
  const run = storedRun(store, id);
  const stage = stageOf(run, 'certification', { domain, head });
  const records = stage === undefined ? [] : store.results.instanceCertificates(stage.id, index);
  if (stage === undefined || records.length === 0) {
    throw new BadInput(`run ${id} has no certificates of test image ${index} of the ${domain} under "${head}"`);
  }
  const weights = headWeights(store, run, { domain, head });
  const rechecked = records.map((record) => ({
    method: record.method,
    rule: record.rule,
    stored: describeVerdict(record.verdict),
    text: rederived(record, weights),
    problems: recheck(record, weights, run.config),
  }));
  if (!redraw) return { rechecked, redrawn: null };
  const engines = await startEngines();
  try {
    checkBackend(run.config, engines.backend);
    const { domains } = await describe({ config: run.config, engines, signal });
    requireSameData(run, domains, `drawing again for run ${id}`);
    const drawn: CertificateRecord[] = [];
    await drawAgain(
      { store, run, domain, heads: [{ stage, weights }], instances: new Map([[index, [stage.key]]]) },
      { engines, reporter, signal, certificates: (_key, anew) => drawn.push(...anew) },
    );
    return {
      rechecked,
      redrawn: {
        engine: arithmeticText(engines.backend),
        madeOn: arithmeticText(stage.environment as EnginesBackend),
        certificates: drawn.map((record) => compared(record, records)),
      },
    };
  } finally {
    await engines.close();
  }
}

/** The verdict that the evidence gives, or why it gives none. */
function rederived({ evidence }: CertificateRecord, weights: Parameters<typeof verdictOf>[1]): string {
  try {
    return describeVerdict(verdictOf(evidence, weights));
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function compared(
  drawn: CertificateRecord,
  stored: readonly CertificateRecord[],
): NonNullable<Verified['redrawn']>['certificates'][number] {
  const { method, rule, verdict } = drawn;
  const before = stored.find((one) => one.method === method && one.rule === rule);
  return {
    method,
    rule,
    stored: before === undefined ? 'nothing' : describeVerdict(before.verdict),
    text: describeVerdict(verdict),
    agreement: agreementOf(before, drawn),
  };
}
