import type { Method, NoiseKind, Rule } from '../../../../shared/config.ts';
import { datasetLabel } from '../../../../shared/datasetLabel.ts';
import type { StoredRun } from '../../storedRun.ts';

const METHOD_CLAIMS: Readonly<Record<Method, string>> = {
  label:
    '`predicted` is the class that the head gives x′ + η more often than not. Evidence: votes. Bound: Clopper–Pearson on the votes of the ' +
    'class; r = σ·Φ⁻¹(p).',
  pairwise:
    '`predicted` beats each single rival at x′ + η more often than not (the Condorcet winner, not the plurality winner). Evidence: wins ' +
    'against each rival. Bound: Clopper–Pearson on the fewest wins; r = σ·Φ⁻¹(p).',
  logit:
    'the median of the logit of `predicted` exceeds the median of every other logit. Evidence: order statistics k and n + 1 − k of each ' +
    'logit. Test: the box of `predicted` lies above all others; r = −σ·Φ⁻¹(q_k).',
  representation:
    'the coordinatewise median of the representations of x′ + η has the prediction `predicted`. Evidence: the box between order statistics ' +
    'k and n + 1 − k of each coordinate. Test: a rule below; r = −σ·Φ⁻¹(q_k).',
};

const RULE_CLAIMS: Readonly<Record<Rule, string>> = {
  paper:
    'the published test: the margin at the median exceeds 2·δ·∏k, δ the largest distance from the median to the border of the box in one ' +
    'coordinate, k the bound of each layer. **No proof** but under `wn-l1`; elsewhere its certificates are labelled `published-rule`.',
  lipschitz:
    'the margin at the median exceeds δ·‖W_c − W_j‖₁ times the largest row sum of every earlier layer. A proof for any head.',
  'lipschitz-l2':
    'the margin at the median exceeds the L2 length of the distances to the border × ‖W_c − W_j‖₂ × the largest singular value of every earlier ' +
    'layer. A proof for any head.',
  interval: 'interval propagation of the box, the last layer merged into W_c − W_j. A proof for any head.',
  linear: 'linear bounds (CROWN) through GroupSort as comparators, never looser than interval. A proof for any head.',
};

const NOISE_CLAIMS: Readonly<Record<NoiseKind, string>> = {
  float32:
    'Noise: `float32`. η is computed, and added to x, in float32, from Philox by Box–Muller. The claims are about real Gaussian noise; what float32 rounds ' +
    'is not accounted for.',
  lattice:
    'Noise: `lattice`. The network rounds x′ + η to the nearest point of the lattice δ·Z^d, δ the largest power of two ≤ σ·2⁻¹⁵, before anything else; d is ' +
    '`inputs`. The draws are of the exact distribution of that rounded sum around the lattice point nearest to x, and no sum is rounded. Each certificate pays for ' +
    'it: r is less by √d·δ/2, and α by n·d·2⁻⁷⁵, the total variation between what is drawn and the exact distribution.',
};

const list = (claims: Readonly<Record<string, string>>): string =>
  Object.entries(claims)
    .map(([name, claim]) => `- \`${name}\`: ${claim}`)
    .join('\n');

/** What the folder claims, and what it does not. */
export function evidenceReadme({ run, config }: Pick<StoredRun, 'run' | 'config'>): string {
  const { sigma, alpha, draws, selectionDraws, selection, noise } = config.certification;
  const chosen =
    selection === 'separate'
      ? `The class under test was chosen on n₀ = ${selectionDraws} draws of their own.`
      : 'The class under test was chosen on the same draws, at levels that pay for it.';
  return `# Evidence of run ${run.id}: ${config.name}

Every certificate of the run with the evidence under it. To recheck all of them:

    python3 -m pip install numpy scipy
    python3 verify.py

\`verify.py\` shares no code with the program that wrote this folder. It computes each verdict anew from the evidence and the head, names every
certificate that does not follow, and ends with 0 when all follow, 1 when some do not, 2 when the folder cannot be read.

## What a certificate claims

For one test image x, one head, σ = ${sigma}, n = ${draws} draws, α = ${alpha}: with probability at least 1 − α over the draws, either it
abstains or, for **every** x′ with ‖x′ − x‖₂ ≤ r in normalised units (\`radiusPixels\` for intensities in [0, 1]), under η ~ N(0, σ²I):

${list(METHOD_CLAIMS)}

${chosen} q_k = BetaInv(1 − α′; k, n − k + 1), where α′ is α over the number of bounds that must hold together: 2·D for representations; for
logits 2 by pairs (all pairs must be won) or 2·K; half of that where the class was chosen on the same draws.

${NOISE_CLAIMS[noise]}

Rules for "the margin h_c − h_j stays positive on the whole box":

${list(RULE_CLAIMS)}

## What is not claimed

- That a class is the right one: \`label\` says which one is.
- That several certificates hold at once: each fails with probability at most α of its own.
- Anything about the network without noise, nor about noise of another size${config.precision === 'float32' ? '' : `; the network computes in ${config.precision}`}.
- That a \`published-rule\` certificate is a proof. It records that the published test passes.
- That the evidence comes from this network and these images. That is seen only by drawing again: \`ptw verify ${run.id} --redraw\`.

## Files

- \`manifest.json\`: the configuration, the heads, the normalisation (v − mean)/deviation, names of the classes.
- \`certificates.jsonl\`: a certificate a line: domain, head, index of the test image, label, method, rule, soundness, verdict, radius in pixel units, prediction
  of the median, evidence, and its arrays as [type, first byte, number of elements] of \`arrays.bin\`. Where a \`paper\` certificate was
  falsified, a point of its box with another prediction, which \`verify.py\` runs through the head.
- \`arrays.bin\`: those arrays, little-endian; equal ones of an image are there once.
- \`heads/*.npy\`: effective weights [outputs, inputs] and biases of every layer, after the constraint; GroupSort of \`groupSize\` units between them.
${imagesText(config)}`;
}

/** How a folder's test images are counted; those of known sets are in the order of the files that everybody has. */
function imagesText({ source, target }: StoredRun['config']): string {
  const folders = [source, target].filter(({ dataset }) => typeof dataset !== 'string');
  if (folders.length === 0) return '';
  const names = [...new Set(folders.map(({ dataset }) => `"${datasetLabel(dataset)}"`))].join(' and ');
  return `
## Images

${names}: a folder of images. Its test images are counted from 0, class after class, in \`test/<class>/<file>\`; classes, and files within a class,
are in the order of the code points of their names. \`fingerprint\` in \`manifest.json\` is the SHA-256 of its pixels and classes.
`;
}
