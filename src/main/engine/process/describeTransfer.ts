import { balancedSubset } from '../../data/split.ts';
import type { Transfer, TransferDomain } from '../../data/transfer.ts';
import { deriveKey } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import { everyIndex } from '../imageSet.ts';
import { mapValues } from '../models/arrays.ts';
import type { AttackName, Job, TransferDescription } from './protocol.ts';

/**
 * What the host plans a run by: the files' fingerprints, and the balanced random test instances that are evaluated and,
 * among them, attacked. Both subsets come from the run's seed.
 * @throws DataError when a class has too few test images
 */
export function describeTransfer(
  transfer: Transfer,
  { instances, attacked, transfer: { seed } }: Extract<Job, { kind: 'describe' }>,
): TransferDescription {
  const describe = (name: Domain): TransferDescription['domains'][Domain] => {
    const domain = transfer[name];
    const evaluated = evaluatedInstances(domain, { name, seed, count: instances });
    return {
      fingerprint: domain.fingerprint,
      origin: domain.origin,
      classNames: domain.classNames,
      trainingImages: domain.trainingImages,
      training: domain.train.count,
      validation: domain.validation.count,
      instances: evaluated,
      attacked: mapValues(attacked, (count) => attackedInstances(domain, { name, seed, count, evaluated })) as Record<
        AttackName,
        Int32Array
      >,
    };
  };
  return { domains: { source: describe('source'), target: describe('target') } };
}

interface Subset {
  readonly name: Domain;
  readonly seed: number;
  readonly count: number;
}

function evaluatedInstances({ dataset, origin, classNames, test }: TransferDomain, of: Subset): Int32Array {
  const labels = test.labels(everyIndex(test));
  const request = { of: `test images of ${dataset} (${origin})`, labels, classes: classNames, count: of.count };
  return balancedSubset(request, deriveKey(of.seed, 'evaluated-instances', of.name)).sort();
}

function attackedInstances(
  { dataset, origin, classNames, test }: TransferDomain,
  of: Subset & { readonly evaluated: Int32Array },
): Int32Array {
  if (of.count === of.evaluated.length) return of.evaluated;
  const labels = test.labels(of.evaluated);
  const request = {
    of: `evaluated test images of ${dataset} (${origin})`,
    labels,
    classes: classNames,
    count: of.count,
  };
  const chosen = balancedSubset(request, deriveKey(of.seed, 'attacked-instances', of.name));
  return chosen.map((position) => of.evaluated[position]).sort();
}
