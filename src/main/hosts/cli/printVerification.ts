import { holds, type Disagreement, type Verification } from '../../workbench/verifyRun.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/** Beyond these the list says nothing new; --json has them all. */
const LISTED = 20;

export function printVerification(verification: Verification): void {
  const { run, rechecked, disagreements, redraw } = verification;
  print(
    `Run ${run}: ${rechecked} verdicts computed anew from their evidence, ${rechecked - distinct(disagreements)} agree.`,
  );
  printDisagreements(disagreements);
  if (redraw !== null) {
    const { certificates, identical, sameOutcome, engine, madeOn } = redraw;
    print(`Drawn again on ${engine}: ${identical} of ${certificates} certificates are equal bit for bit.`);
    if (engine !== madeOn)
      print(`They were made on ${madeOn}; another engine or arithmetic rounds differently in the last digits.`);
    if (sameOutcome > 0) print(`${sameOutcome} have the same outcome and class with other digits.`);
    printDisagreements(redraw.disagreements);
  }
  print(holds(verification) ? 'Every certificate stands.' : 'NOT every certificate stands.');
  if (redraw === null) print(`To recompute the draws too: npx ptw verify ${run} --redraw`);
}

/** One certificate may have several problems. */
function distinct(disagreements: readonly Disagreement[]): number {
  const keys = disagreements.map(({ domain, head, datasetIndex, method, rule }) =>
    JSON.stringify([domain, head, datasetIndex, method, rule]),
  );
  return new Set(keys).size;
}

function printDisagreements(disagreements: readonly Disagreement[]): void {
  for (const { domain, head, datasetIndex, method, rule, problem } of disagreements.slice(0, LISTED)) {
    print(`  ${domain}, ${head}, image ${datasetIndex}, ${method}${rule === null ? '' : ` (${rule})`}: ${problem}`);
  }
  if (disagreements.length > LISTED) print(`  … and ${disagreements.length - LISTED} more; --json lists all`);
}
