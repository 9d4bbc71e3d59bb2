// Writes the bill of materials as CycloneDX JSON to dist/sbom.cdx.json, or where the argument says: npm's own, in which development packages
// that are built into the pages or the desktop application count as required, and those that reach nobody as excluded.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, shippedPackages } from './shippedPackages.ts';

interface Component {
  name: string;
  version: string;
  group?: string;
  scope?: string;
  'bom-ref': string;
}
interface Bom {
  bomFormat: string;
  metadata: { component: Component };
  components: Component[];
}

const out = process.argv[2] ?? path.join(ROOT, 'dist', 'sbom.cdx.json');
const json = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: ROOT,
  maxBuffer: 1 << 28,
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const bom = JSON.parse(json) as Bom;
const { name } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { name: string };
// npm takes the name of the folder.
bom.metadata.component.name = name;
const shipped = new Set(shippedPackages().map((of) => `${of.name}@${of.version}`));
for (const component of bom.components) {
  component.scope = shipped.has(`${component.name}@${component.version}`) ? 'required' : 'excluded';
}
mkdirSync(path.dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(bom, null, 2)}\n`);
const required = bom.components.filter(({ scope }) => scope === 'required').length;
console.log(`${bom.components.length} components, ${required} of them shipped: ${out}`);
