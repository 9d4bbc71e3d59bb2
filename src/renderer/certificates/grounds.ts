import type { ExplainedCertificate, Grounds } from '../../shared/instance.ts';

/** Rounded down, as a lower bound has to be. */
export const probabilityDown = (value: number): string => (Math.floor(value * 1e4) / 1e4).toFixed(4);

/** What a verdict turned on, in a line. */
export function groundsText(grounds: Grounds, own: string, nameOf: (label: number) => string): string {
  switch (grounds.method) {
    case 'label':
      return `${grounds.votes} of ${grounds.draws} votes for ${own}, p ≥ ${probabilityDown(grounds.probabilityLower)} against ½`;
    case 'pairwise':
      return `beats ${nameOf(grounds.rival)}, its nearest rival, in ${grounds.wins} of ${grounds.draws}, p ≥ ${probabilityDown(grounds.probabilityLower)} against ½`;
    case 'logit':
      return `median logit of ${own} ≥ ${grounds.lower.toFixed(3)}, of ${nameOf(grounds.rival)} ≤ ${grounds.rivalUpper.toFixed(3)} (k = ${grounds.k})`;
    case 'representation':
      return `margin to ${nameOf(grounds.rival)} ≥ ${grounds.marginLower.toFixed(4)} on the box of k = ${grounds.k}`;
  }
}

/** What a certificate says, in the words of the field. */
export function verdictText({ verdict, soundness }: ExplainedCertificate, own: string): string {
  if (verdict.outcome === 'abstained') return 'abstains';
  return soundness === 'proved' ? `certified ${own}` : `passes for ${own}, no proof`;
}

export type Standing = 'good' | 'bad' | 'caution' | 'unproved';

/** How it stands with the true class in view. */
export function standingOf({ verdict, soundness }: ExplainedCertificate, label: number): Standing {
  if (verdict.outcome === 'abstained') return 'caution';
  if (soundness !== 'proved') return 'unproved';
  return verdict.predicted === label ? 'good' : 'bad';
}
