import Table from 'cli-table3';
import {
  ABSTENTIONS,
  NOISE_KIND_TEXTS,
  type AdversarialSearchRecord,
  type NoiseAttackRecord,
} from '../../../shared/results.ts';
import type { ExplainedCertificate, Grounds, InstanceOfHead, InstanceReport } from '../../../shared/instance.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/** Every head's certificates of one instance, with what each verdict turned on. */
export function printInstance(report: InstanceReport): void {
  const { run, domain, dataset, datasetIndex, label, classNames, precision, noise } = report;
  const model = precision === 'float32' ? '' : `; the extractor computes in ${precision}`;
  print(
    `Run ${run}, ${domain} (${dataset}), test image ${datasetIndex} of class ${className(label, classNames)}${model}`,
  );
  for (const head of report.heads) printHead(head, report);
  print(`\nNoise: ${NOISE_KIND_TEXTS[noise]}.`);
  print(
    'A certificate says: with probability ≥ 1 − α over its draws, no input within the radius (L2) changes the smoothed',
  );
  print('prediction. It does not say that the prediction is right; compare it with the class above.');
}

function printHead(of: InstanceOfHead, { classNames }: InstanceReport): void {
  const { head, prediction, noiseAttack, pgd, search, certificates } = of;
  const clean = prediction === null ? 'no prediction yet' : `predicts ${className(prediction.predicted, classNames)}`;
  const attacks = [
    ...(noiseAttack === null || noiseAttack.brokenAtDraw === 0 ? [] : [noiseText(noiseAttack)]),
    ...(pgd === null ? [] : [attackText(pgd)]),
  ];
  print(`\n${[`${head}: ${clean}`, ...attacks].join('; ')}`);
  if (search !== null) for (const line of searchLines(search, classNames)) print(line);
  const table = new Table({
    head: ['Method', 'Rule', 'Verdict', 'Radius', 'Radius (pixels)', 'Evidence'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'left'],
    colWidths: [null, null, 42, null, null, null],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const certificate of certificates) table.push(rowOf(certificate, classNames));
  print(table.toString());
}

function attackText({ robust, brokenAtStep, perturbationNorm }: NonNullable<InstanceOfHead['pgd']>): string {
  if (robust) return 'PGD found no adversarial example';
  return brokenAtStep === 0
    ? 'wrong without an attack'
    : `PGD broke it at step ${brokenAtStep}, ‖δ‖₂ = ${perturbationNorm!.toFixed(4)}`;
}

function noiseText({ robust, brokenAtDraw, perturbationNorm }: NoiseAttackRecord): string {
  return robust
    ? 'no draw of the noise attack broke it'
    : `draw ${brokenAtDraw!} of the noise attack broke it, ‖δ‖₂ = ${perturbationNorm!.toFixed(4)}`;
}

function searchLines({ representation, input }: AdversarialSearchRecord, classNames: readonly string[]): string[] {
  if (representation === null) return [];
  const { adversarialClass, distanceL2, distanceLinf } = representation;
  const closest =
    `The closest representation with another prediction, ${className(adversarialClass, classNames)}, is ` +
    `${distanceL2.toFixed(4)} (L2) and ${distanceLinf.toFixed(4)} (L∞) away.`;
  if (input === null) return [closest];
  const away = `${input.distanceL2.toFixed(4)} (L2) and ${input.distanceLinf.toFixed(4)} (L∞) away`;
  return [
    closest,
    input.found
      ? `Towards it, an input read as ${className(input.predicted, classNames)} was found after ${input.steps} ${input.steps === 1 ? 'step' : 'steps'}, ${away}.`
      : `Towards it, ${input.steps} steps found no input with another prediction; the last is ${away}.`,
  ];
}

function rowOf(certificate: ExplainedCertificate, classNames: readonly string[]): string[] {
  const { method, rule, soundness, verdict, radiusPixels, grounds } = certificate;
  const isCertified = verdict.outcome === 'certified';
  const name = className(verdict.predicted, classNames);
  const certified = soundness === 'proved' ? `certified ${name}` : `passes for ${name}, no proof`;
  return [
    method,
    rule ?? '',
    isCertified ? certified : `abstains: ${ABSTENTIONS[verdict.reason]}`,
    isCertified ? verdict.radiusNormalised.toFixed(4) : '–',
    radiusPixels === null ? '–' : radiusPixels.toFixed(4),
    groundsText(grounds, verdict.predicted, classNames) + falsifiedText(certificate, classNames),
  ];
}

function groundsText(grounds: Grounds, predicted: number, classNames: readonly string[]): string {
  const own = className(predicted, classNames);
  switch (grounds.method) {
    case 'label':
      return `${grounds.votes} of ${grounds.draws} votes for ${own}, p ≥ ${probability(grounds.probabilityLower)}`;
    case 'pairwise': {
      const rival = className(grounds.rival, classNames);
      return `beats ${rival} in ${grounds.wins} of ${grounds.draws}, p ≥ ${probability(grounds.probabilityLower)}`;
    }
    case 'logit': {
      const rival = className(grounds.rival, classNames);
      return `k = ${grounds.k}: logit ≥ ${grounds.lower.toFixed(3)}, ${rival} ≤ ${grounds.rivalUpper.toFixed(3)}`;
    }
    case 'representation':
      return `k = ${grounds.k}: margin to ${className(grounds.rival, classNames)} ≥ ${grounds.marginLower.toFixed(3)}`;
  }
}

/** A point of the smallest box falsifies the certificate at any radius. */
function falsifiedText({ falsification }: ExplainedCertificate, classNames: readonly string[]): string {
  const found = falsification?.atSmallestBox ?? falsification?.atRadius ?? null;
  if (found === null) return '';
  const where = found === falsification!.atSmallestBox ? 'even the smallest box' : 'the box';
  return `; falsified: at z within ${where} ${className(found.rival, classNames)} wins`;
}

/** Rounded down, as a lower bound has to be. */
const probability = (value: number): string => (Math.floor(value * 1e4) / 1e4).toFixed(4);

function className(label: number, classNames: readonly string[]): string {
  return `"${classNames[label]}"`;
}
