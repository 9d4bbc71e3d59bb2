import { readFileSync } from 'node:fs';

/** Cases of a file that test/fixtures/math/make.py wrote. */
export function fixture(name: string): unknown {
  const path = new URL(`../fixtures/math/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: unknown }).cases;
}
