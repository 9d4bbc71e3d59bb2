import { computed } from 'vue';
import { OPERATORS, RUN_STATUSES, type RunFilter, type RunStatusName } from '../../shared/api/runs.ts';
import { queryJson, queryOneOf, queryText, useQuery } from '../app/query.ts';

export interface Sort {
  readonly column: string;
  readonly isDescending: boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isStatuses = (value: unknown): value is readonly RunStatusName[] =>
  isTexts(value) && value.every((one) => (RUN_STATUSES as readonly string[]).includes(one));
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isFilters = (value: unknown): value is readonly RunFilter[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isRecord(one) &&
      isText(one['column']) &&
      (OPERATORS as readonly unknown[]).includes(one['operator']) &&
      (isText(one['value']) || typeof one['value'] === 'number'),
  );
const isSorts = (value: unknown): value is readonly Sort[] =>
  Array.isArray(value) &&
  value.every((one) => isRecord(one) && isText(one['column']) && typeof one['isDescending'] === 'boolean');

/** Shown until somebody chooses others. */
export const DEFAULT_COLUMNS: readonly string[] = [
  'config:training.source.procedure',
  'config:certification.sigma',
  'figure:target / best / Base A_B',
  'figure:target / best / Attacked PGD',
  'figure:target / best / Label A_V',
  'figure:target / best / Pairwise A_V',
  'figure:target / best / Representation A_V proved',
];

const COLUMNS_KEY = 'ptw-run-columns';
/** A link that names no columns shows those that were last chosen here. */
function storedColumns(): readonly string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(COLUMNS_KEY) ?? 'null');
    return isTexts(value) ? value : DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}
export const keepColumns = (columns: readonly string[]): void =>
  localStorage.setItem(COLUMNS_KEY, JSON.stringify(columns));

/** What the list of runs shows, in the address. */
export function useRunsQuery() {
  const search = useQuery('search', queryText());
  const statuses = useQuery('status', queryJson<readonly RunStatusName[]>([], isStatuses));
  const tags = useQuery('tags', queryJson<readonly string[]>([], isTexts));
  const archived = useQuery('archived', queryOneOf(['no', 'only', 'too'], 'no'));
  const filters = useQuery('filters', queryJson<readonly RunFilter[]>([], isFilters));
  const sort = useQuery('sort', queryJson<readonly Sort[]>([], isSorts));
  const group = useQuery('group', queryText());
  const columns = useQuery('columns', queryJson<readonly string[]>(storedColumns(), isTexts));
  const selection = computed(() => ({
    search: search.value,
    statuses: [...statuses.value],
    tags: [...tags.value],
    archived: archived.value,
    filters: [...filters.value],
  }));
  return { search, statuses, tags, archived, filters, sort, group, columns, selection };
}
export type RunsQuery = ReturnType<typeof useRunsQuery>;

/** A column's name as its heading has it. */
export function columnTitle(column: string): string {
  const FACTS: Partial<Record<string, string>> = {
    id: 'Run',
    name: 'Name',
    status: 'Status',
    createdAt: 'Created',
    finishedAt: 'Finished',
    seconds: 'Time',
    note: 'Note',
  };
  return FACTS[column] ?? column.slice(column.indexOf(':') + 1);
}

/** As a narrow heading has it: the last parts of a key say which it is, and lines break between parts. */
export const shortTitle = (column: string): string =>
  column.startsWith('config:') ? columnTitle(column).split('.').slice(-2).join('.\u200b') : columnTitle(column);
