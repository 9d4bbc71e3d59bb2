import { labelVerdict } from '../../math/certificates/label.ts';
import { logitVerdict } from '../../math/certificates/logit.ts';
import { pairwiseVerdict } from '../../math/certificates/pairwise.ts';
import { representationVerdict } from '../../math/certificates/representation.ts';
import type { Evidence, HeadWeights, Verdict } from '../../../shared/results.ts';

/** The verdict that evidence supports, computed anew (METHOD.md §4). @throws RangeError for evidence no draws can give */
export function verdictOf(evidence: Evidence, head: HeadWeights): Verdict {
  switch (evidence.method) {
    case 'label':
      return labelVerdict(evidence);
    case 'pairwise':
      return pairwiseVerdict(evidence);
    case 'logit':
      return logitVerdict(evidence);
    case 'representation':
      return representationVerdict(evidence, head, evidence.rule);
  }
}
