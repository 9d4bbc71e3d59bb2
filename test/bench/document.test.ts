import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, replaceSection, SECTIONS } from '../../bench/document.ts';

const TEXT = 'before\n<!-- bench:scaling -->\nold\n<!-- /bench:scaling -->\nafter\n';

describe('a section of the document', () => {
  it.each([
    ['is missing', 'before'],
    ['does not end', 'before <!-- bench:scaling -->'],
    ['ends before it begins', '<!-- /bench:scaling --> <!-- bench:scaling -->'],
    ['is there twice', TEXT + TEXT],
  ])('is refused where it %s', (_, text) => {
    expect(() => replaceSection(text, 'scaling', 'new')).toThrow(/each once/);
  });
  it('is replaced, and the prose around it stays', () => {
    expect(replaceSection(TEXT, 'scaling', 'new')).toBe(
      'before\n<!-- bench:scaling -->\n\nnew\n\n<!-- /bench:scaling -->\nafter\n',
    );
  });
  it('replaced twice is as replaced once', () => {
    const once = replaceSection(TEXT, 'scaling', 'new');
    expect(replaceSection(once, 'scaling', 'new')).toBe(once);
  });
  it('takes replacement patterns as text', () => {
    expect(replaceSection(TEXT, 'scaling', "$& $' $1")).toContain("\n$& $' $1\n");
  });
  it.each(SECTIONS)('%s has its place in its document', (section) => {
    expect(replaceSection(readFileSync(documentOf(section), 'utf8'), section, 'new')).toContain('new');
  });
});
