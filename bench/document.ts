import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

/** The parts of docs/performance.md that benches write; the prose around them is written by people and stays. */
export type Section = 'comparison' | 'scaling' | 'compile' | 'gpu-measured' | 'gpu-estimate';

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

/** Prints a section, and puts it into docs/performance.md when asked to. */
export function publish(section: Section, content: string, { write }: { readonly write: boolean }): void {
  console.log(`\n${content}`);
  if (!write) return;
  writeFileSync(DOCUMENT, replaceSection(readFileSync(DOCUMENT, 'utf8'), section, content));
  console.log(`\nWritten to docs/performance.md, section ${section}.`);
}
