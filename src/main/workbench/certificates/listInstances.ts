import { ANY_SOUND_RULE, type ListedBy, type ListedInstance, type Outcome } from '../../../shared/api/certificates.ts';
import type { Domain, Rule } from '../../../shared/config.ts';
import { isProof } from '../../math/marginRules.ts';
import { fromNullableReal } from '../../store/exactValues.ts';
import type { Store } from '../../store/store.ts';
import type { InstanceRow, InstanceSelection, InstanceSource } from '../../store/tables/instanceList.ts';
import type { StageKind } from '../../store/tables/stage.ts';
import { BadInput } from '../errors.ts';
import { headLabel } from '../stageKeys.ts';
import { headsOf, stageOf, storedRun, type StoredRun } from '../storedRun.ts';

const KIND_OF: Readonly<Record<ListedBy, StageKind>> = {
  clean: 'prediction',
  'representation-median': 'certification',
  'logit-median': 'certification',
  pgd: 'pgd',
  'noise-attack': 'noise-attack',
  label: 'certification',
  representation: 'certification',
  logit: 'certification',
  pairwise: 'certification',
};

export interface InstanceQuery {
  readonly run: number;
  readonly domain: Domain;
  readonly head: string;
  readonly by: ListedBy;
  readonly rule: Rule | typeof ANY_SOUND_RULE;
  readonly outcome: InstanceSelection['filter']['outcome'];
  readonly label: number | null;
}

/**
 * The rows that a query asks for; null where the run has not come to them.
 * @throws StoreError 'not-found'; BadInput naming the heads that there are
 */
export function selectionOf(store: Store, query: InstanceQuery): InstanceSelection | null {
  const run = storedRun(store, query.run);
  const of = headsOf(run).find(({ domain, head }) => domain === query.domain && head === query.head);
  if (of === undefined) throw noSuchHead(run, query);
  const stage = stageOf(run, KIND_OF[query.by], of);
  if (stage === undefined) return null;
  const source: InstanceSource = query.by === 'representation' ? { by: query.by, rule: query.rule } : { by: query.by };
  return { stageId: stage.id, source, filter: { outcome: query.outcome, label: query.label } };
}

function noSuchHead(run: StoredRun, { domain, head }: Pick<InstanceQuery, 'domain' | 'head'>): BadInput {
  const known = headsOf(run)
    .filter((of) => of.domain === domain)
    .map((of) => `"${of.head}"`);
  return new BadInput(`run ${run.run.id} has no head "${head}" on the ${domain}; there are: ${known.join(', ')}`);
}

export function listedInstance(row: InstanceRow): ListedInstance {
  return {
    index: row.dataset_index,
    label: row.label,
    predicted: row.predicted,
    outcome: row.outcome,
    radiusNormalised: fromNullableReal(row.radius),
    radiusPixels: row.radius_pixels,
    margin: fromNullableReal(row.margin),
    reason: row.reason,
    rule: row.rule === '' ? null : row.rule,
    isProof: row.soundness === 'proved',
  };
}

/** How many instances have each outcome; under the published rule with what its A_V counts. */
export function outcomeCountsOf(store: Store, selection: InstanceSelection): Partial<Record<Outcome, number>> {
  const counts = store.results.outcomeCounts(selection);
  const { source } = selection;
  const published = counts.filter(({ outcome }) => outcome === 'certified-correct' || outcome === 'falsified');
  return {
    ...Object.fromEntries(counts.map(({ outcome, n }) => [outcome, n])),
    ...(source.by === 'representation' && source.rule === 'paper'
      ? { 'published-correct': published.reduce((sum, { correct }) => sum + correct, 0) }
      : {}),
  };
}

/** What each head can be listed by: what its stages have results of. */
export function choicesOf(store: Store, run: StoredRun) {
  return headsOf(run).map((of) => {
    const certification = stageOf(run, 'certification', of);
    const summaries = certification === undefined ? [] : store.results.summary(certification.id);
    const { constraint } = run.config.heads.find((spec) => headLabel(spec) === of.head)!;
    const attacks = (['clean', 'pgd', 'noise-attack'] as const).filter(
      (by) => stageOf(run, KIND_OF[by], of) !== undefined,
    );
    const rules = summaries.flatMap(({ rule }) => rule ?? []);
    const methods = [...new Set(summaries.map(({ method }) => method))];
    const medians = (['representation', 'logit'] as const)
      .filter((method) => methods.includes(method))
      .map((method) => `${method}-median` as const);
    const [clean, ...others] = attacks;
    return {
      ...of,
      by: [...(clean === undefined ? [] : [clean]), ...medians, ...others, ...methods] satisfies ListedBy[],
      rules: rules.map((rule) => ({ rule, isProof: isProof(rule, constraint) })),
    };
  });
}
