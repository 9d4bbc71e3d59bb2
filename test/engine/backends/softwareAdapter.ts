import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Package folder of @sparticuz/chromium, whose archive has SwiftShader and Vulkan's loader for Linux on x86-64. */
function packageFolder(): string {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  return path.dirname(path.dirname(main));
}

/** Unpacks once a version, into a sibling that is renamed, because test files run side by side. */
function unpackSwiftShader(): string {
  const from = packageFolder();
  const { version } = JSON.parse(readFileSync(path.join(from, 'package.json'), 'utf8')) as { version: string };
  const folder = path.join(tmpdir(), `swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  const aside = mkdtempSync(`${folder}-`);
  const archive = brotliDecompressSync(readFileSync(path.join(from, 'bin', 'swiftshader.tar.br')));
  execFileSync('tar', ['-x', '-C', aside], { input: archive });
  try {
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** An environment in which Vulkan's loader finds no driver. */
export const NO_GPU = { VK_ICD_FILENAMES: '/none', VK_DRIVER_FILES: '/none' };

/**
 * The environment of a process that sees SwiftShader as its only GPU; null on systems that it is not packaged for. Both
 * names of the variable are given: newer loaders read the second and would go by an inherited one.
 */
export const softwareAdapter: Readonly<Record<string, string>> | null = onThisSystem();

function onThisSystem(): Record<string, string> | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    process.stderr.write(`SKIPPED: the tests of webgpu, whose software adapter is for linux-x64.\n`);
    return null;
  }
  const folder = unpackSwiftShader();
  const driver = path.join(folder, 'vk_swiftshader_icd.json');
  const libraries = [folder, process.env['LD_LIBRARY_PATH'] ?? ''].filter((one) => one !== '').join(':');
  return { LD_LIBRARY_PATH: libraries, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
}
