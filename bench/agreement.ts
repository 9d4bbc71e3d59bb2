import type { Reference } from './reference/client.ts';
import { attackStep, inferenceStep, trainingStep, type BatchInputs, type Step } from './works/steps.ts';

/** Largest difference in relation to the largest value: float32 in another order of summation stays well below this. */
const TOLERANCE = 1e-4;

/** Largest |ours − theirs| / largest |theirs|. @throws RangeError where the lengths differ */
export function relativeDifference(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length || ours.length === 0) {
    throw new RangeError(`compare with the reference: got ${ours.length} values against ${theirs.length}`);
  }
  // NaN has to reach the result, and Math.max lets it.
  const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0) / largest;
}

/**
 * Has both sides compute the same things from the same weights and inputs: representations, a PGD step, and the losses of three training
 * steps, which the gradients and Adam stand behind.
 * @returns each quantity's relative difference
 * @throws Error where they differ: another function must not be timed against ours
 */
export async function checkAgreement(
  batch: BatchInputs,
  reference: Reference,
): Promise<Readonly<Record<string, number>>> {
  const theirs = await reference.agreement();
  const ours = {
    representations: await lent(inferenceStep(batch), (step) => step.once()),
    delta: await lent(attackStep(batch), (step) => step.once()),
    losses: await lent(trainingStep(batch), async (step) =>
      Float32Array.of(await step.once(), await step.once(), await step.once()),
    ),
  };
  const differences = Object.fromEntries(
    Object.entries(ours).map(([name, values]) => [name, relativeDifference(values, theirs[name])]),
  );
  const wrong = Object.entries(differences).find(([, difference]) => !(difference <= TOLERANCE));
  if (wrong === undefined) return differences;
  throw new Error(
    `bench: ${wrong[0]} of our network and of the reference's differ by ${wrong[1].toExponential(1)}, expected at most ` +
      `${TOLERANCE}: they are not the same function; see bench/reference/network.py`,
  );
}

async function lent<Values, Result>(
  step: Step<Values>,
  body: (step: Step<Values>) => Promise<Result>,
): Promise<Result> {
  try {
    return await body(step);
  } finally {
    step.dispose();
  }
}
