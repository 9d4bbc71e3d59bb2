import { computed } from 'vue';
import { useRoute, type LocationQueryRaw } from 'vue-router';
import { ANY_SOUND_RULE, LISTED_BY, OUTCOMES, SORTS } from '../../shared/api/certificates.ts';
import { DOMAINS, RULES } from '../../shared/config.ts';
import { queryFlag, queryMaybe, queryNumber, queryOneOf, queryText, useQuery } from '../app/query.ts';

/** What the certificates' view shows, in the address; the view of one certificate keeps it, so that its neighbours are the list's. */
export function useCertificatesQuery() {
  const route = useRoute();
  const run = computed(() => Number(route.params['run']));
  const domain = useQuery('domain', queryOneOf(DOMAINS, 'target'));
  const head = useQuery('head', queryText());
  const by = useQuery('by', queryOneOf(LISTED_BY, 'pairwise'));
  const rule = useQuery('rule', queryOneOf([ANY_SOUND_RULE, ...RULES], ANY_SOUND_RULE));
  const outcome = useQuery('outcome', queryMaybe(OUTCOMES));
  const label = useQuery('label', queryNumber(-1));
  const sort = useQuery('sort', queryOneOf(SORTS, 'index'));
  const isDescending = useQuery('descending', queryFlag());
  const show = useQuery('show', queryOneOf(['grid', 'table'], 'grid'));
  const selection = computed(() => ({
    run: run.value,
    domain: domain.value,
    head: head.value,
    by: by.value,
    rule: rule.value,
    outcome: outcome.value,
    label: label.value < 0 ? null : label.value,
    sort: sort.value,
    isDescending: isDescending.value,
  }));
  const certificateLink = (index: number): { path: string; query: LocationQueryRaw } => ({
    path: `/runs/${run.value}/certificates/${domain.value}/${index}`,
    query: { ...route.query },
  });
  return { run, domain, head, by, rule, outcome, label, sort, isDescending, show, selection, certificateLink };
}
export type CertificatesQuery = ReturnType<typeof useCertificatesQuery>;
