// Compiles src/main/math/kernel/assembly/index.ts to WebAssembly and writes it, in base64, into binary.ts beside it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

// The compiler as a process: its types are global and other than ours.
const COMPILER = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const SOURCE = fileURLToPath(new URL('../src/main/math/kernel/assembly/index.ts', import.meta.url));
const BINARY = new URL('../src/main/math/kernel/binary.ts', import.meta.url);
const OPTIONS = ['-O3', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1', '--noAssert'];

/** The module's bytes. @throws Error with the compiler's messages */
export function compileKernel(): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'ptw-kernel-'));
  try {
    const module = path.join(folder, 'kernel.wasm');
    const files = [path.basename(SOURCE), '--baseDir', path.dirname(SOURCE), '--outFile', module];
    execFileSync(process.execPath, [COMPILER, ...files, ...OPTIONS], { encoding: 'utf8' });
    return readFileSync(module);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const lines = compileKernel()
    .toString('base64')
    .match(/.{1,100}/g)!;
  const text = `// Made from assembly.ts by \`npm run build:kernel\`.\nexport const BINARY = ${lines.map((line) => `'${line}'`).join(' + ')};\n`;
  const config = (await resolveConfig(BINARY)) ?? {};
  writeFileSync(BINARY, await format(text, { ...config, parser: 'typescript' }));
}
