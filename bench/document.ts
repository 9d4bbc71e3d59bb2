import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The parts of documents that benches write; the prose around them is written by people and stays. */
const DOCUMENTS = {
  comparison: 'docs/performance.md',
  scaling: 'docs/performance.md',
  compile: 'docs/performance.md',
  'gpu-measured': 'docs/performance.md',
  'gpu-estimate': 'docs/performance.md',
  constraints: 'docs/constraints.md',
  study: 'docs/findings.md',
  procedures: 'docs/findings.md',
  falsified: 'docs/findings.md',
  kept: 'docs/findings.md',
  published: 'docs/findings.md',
  radius: 'docs/findings.md',
  'radius-study': 'docs/findings.md',
  shards: 'docs/scaling.md',
  grid: 'docs/scaling.md',
} as const;
export type Section = keyof typeof DOCUMENTS;
export const SECTIONS = Object.keys(DOCUMENTS) as Section[];

/** Where a section's document lies. */
export const documentOf = (section: Section): string =>
  fileURLToPath(new URL(`../${DOCUMENTS[section]}`, import.meta.url));

/**
 * The text with all that is between a section's two markers replaced.
 * @throws Error unless each marker is there once, in order: guessing a place could overwrite prose
 */
export function replaceSection(text: string, section: Section, content: string): string {
  const [begin, end] = [`<!-- bench:${section} -->`, `<!-- /bench:${section} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from || text.lastIndexOf(begin) !== from || text.lastIndexOf(end) !== to) {
    throw new Error(`write section ${section}: expected "${begin}" and, after it, "${end}", each once; put them back`);
  }
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** Prints a section, and puts it into its document when asked to. */
export function publish(section: Section, content: string, { write }: { readonly write: boolean }): void {
  console.log(`\n${content}`);
  if (!write) return;
  const document = documentOf(section);
  writeFileSync(document, replaceSection(readFileSync(document, 'utf8'), section, content));
  console.log(`\nWritten to ${DOCUMENTS[section]}, section ${section}.`);
}
