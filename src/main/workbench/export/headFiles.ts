import { headsOf, type HeadOfDomain, type StoredRun } from '../storedRun.ts';

export interface HeadFile extends HeadOfDomain {
  /** "target-4-layer-wn-l1-temperature-30": its name in files, unlike every other head's of the run. */
  readonly slug: string;
}

/** The run's heads with names that files may have. */
export function headFiles(run: StoredRun): HeadFile[] {
  const files = headsOf(run).map((of) => ({ ...of, slug: slug(`${of.domain} ${of.head}`) }));
  const slugs = new Set(files.map((file) => file.slug));
  if (slugs.size !== files.length) {
    throw new Error(`internal: export: got ${slugs.size} names of files for ${files.length} heads, expected one each`);
  }
  return files;
}

const slug = (text: string): string => text.replace(/[^\p{L}\p{N}.]+/gu, '-');
