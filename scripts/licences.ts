// Lists the licences of all packages that reach a user, in docs/licences.md, and refuses those that this project cannot ship.
//
//     npm run licences              writes the list
//     npm run licences -- --check   ends with 1 where the list is not what it would write, or a licence is refused
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, shippedPackages, type ShippedPackage } from './shippedPackages.ts';

const FILE = path.join(ROOT, 'docs', 'licences.md');

/** Licences that ask for a notice and no more, so that they go with Apache-2.0. */
export const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
]);

/** Whether an SPDX expression can be kept: all of what AND joins, one of what OR joins. */
export function isAllowed(expression: string): boolean {
  const text = expression.trim();
  const inner = /^\(([^()]*)\)$/.exec(text);
  if (inner !== null) return isAllowed(inner[1]);
  if (/\bOR\b/.test(text)) return text.split(/\bOR\b/).some(isAllowed);
  if (/\bAND\b/.test(text)) return text.split(/\bAND\b/).every(isAllowed);
  return ALLOWED.has(text);
}

export function licencesText(packages: readonly ShippedPackage[]): string {
  const byLicence = Map.groupBy(packages, ({ licence }) => licence);
  const counts = [...byLicence].sort(([, a], [, b]) => b.length - a.length);
  const row = ({ name, version, licence, isRuntime }: ShippedPackage): string =>
    `| ${name} | ${version} | ${licence} | ${isRuntime ? 'runs' : 'built in'} |`;
  return `# Licences of what is shipped

Made by \`npm run licences\` of package-lock.json; \`npm run licences -- --check\` holds it to that. "runs" is a dependency (of which some never
load: docs/security.md); "built in" is part of the pages or is the desktop shell. Taken are ${[...ALLOWED].join(', ')}; anything else fails the check.

Not npm packages: Galmuri11 (OFL-1.1, \`resources/fonts\`), bundled images (\`resources/images\`, each with its licence), the schema of ONNX
(Apache-2.0, \`resources/onnx\`). Electron's binary brings the notices of Chromium and Node (\`LICENSES.chromium.html\`), which packing keeps beside it. TensorFlow's
libraries (Apache-2.0) come from its own wheel onto the user's machine and are not shipped.

${counts.map(([licence, of]) => `- ${licence}: ${of.length}`).join('\n')}

| package | version | licence | how |
|---|---|---|---|
${packages.map(row).join('\n')}
`;
}

function main(): void {
  const packages = shippedPackages();
  const refused = packages.filter(({ licence }) => !isAllowed(licence));
  for (const { name, version, licence } of refused) console.error(`${name} ${version}: ${licence} cannot be shipped`);
  const text = licencesText(packages);
  if (process.argv.includes('--check')) {
    const isSame = readFileSync(FILE, 'utf8') === text;
    if (!isSame) console.error('docs/licences.md is not of this package-lock.json; write it with: npm run licences');
    process.exitCode = isSame && refused.length === 0 ? 0 : 1;
    return;
  }
  writeFileSync(FILE, text);
  console.log(`${packages.length} packages, ${refused.length} refused: ${FILE}`);
  process.exitCode = refused.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
