import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { bindingPath } from './cache.ts';
import type { BindingSources } from './cache.ts';
import { firstWorking, lastTellingLine, runCommand } from './command.ts';
import type { Command, Environment } from './command.ts';
import { stop } from './outcome.ts';

export interface Compiler {
  readonly command: Command;
  /** First line of `--version`. */
  readonly version: string;
}

/** CXX where it is set, else the usual names; stops the installation when none works. */
export async function findCompiler(env: Environment, platform: string): Promise<Compiler> {
  // On a Mac without the developer tools every compiler's name opens a dialog instead of failing.
  if (platform === 'darwin' && (await runCommand(['xcode-select'], ['-p'], env)).status !== 0) {
    stop('no-compiler', 'The Xcode command line tools, which hold the compiler, are not installed.');
  }
  const chosen = env['CXX'] ?? '';
  const candidates: Command[] = chosen === '' ? [['g++'], ['clang++'], ['c++']] : [commandOf(chosen)];
  const found = await firstWorking(candidates, ['--version'], env);
  if (found !== null) return { command: found.command, version: found.output.split('\n')[0].trim() };
  return stop('no-compiler', `No C++ compiler was found (tried ${candidates.map((c) => c.join(' ')).join(', ')}).`);
}

/** CXX may carry arguments, as in `ccache g++`. */
function commandOf(text: string): Command {
  const [program = text, ...rest] = text.trim().split(/\s+/);
  return [program, ...rest];
}

export interface CompileInputs {
  readonly compiler: Compiler;
  readonly sources: BindingSources;
  /** The installation being made: tensorflow/ is in it, binding/ goes into it. */
  readonly folder: string;
  /** File names in tensorflow/. */
  readonly libraries: readonly string[];
  readonly platform: string;
}

/** Compiles tfjs-node's addon against the libraries of `folder` (9 s on 2 cores); stops the installation on failure. */
export async function compileBinding(inputs: CompileInputs, env: Environment): Promise<void> {
  const output = bindingPath(inputs.folder);
  mkdirSync(path.dirname(output), { recursive: true });
  const result = await runCommand(inputs.compiler.command, compilerArguments(inputs, output), env);
  if (result.status === 0) return;
  const firstError = result.output.split('\n').find((line) => /\berror\b/i.test(line));
  stop(
    'compile-failed',
    `Compiling the binding failed: ${(firstError ?? lastTellingLine(result.output)).trim().slice(0, 300)}`,
  );
}

function compilerArguments({ sources, folder, libraries, platform }: CompileInputs, output: string): string[] {
  const tensorflow = path.join(folder, 'tensorflow');
  const mac = platform === 'darwin';
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
    // Node's own symbols are found in the process that loads the addon.
    ...(mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    ...['-I', sources.napiHeaders, '-I', path.join(tensorflow, 'include'), '-I', sources.package],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => path.join(sources.package, 'binding', name)),
    ...['-o', output, ...libraries.map((name) => path.join(tensorflow, name))],
    // Relative, so that the folder can be renamed into place after this.
    mac ? '-Wl,-rpath,@loader_path/../tensorflow' : '-Wl,-rpath,$ORIGIN/../tensorflow',
  ];
}
