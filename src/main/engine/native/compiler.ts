import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { LOG_LEVEL_SOURCE, bindingPath, logLevelPath } from './cache.ts';
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

/**
 * Compiles tfjs-node's addon against the libraries of `folder` (9 s on 2 cores), and our own that sets the log level;
 * stops the installation on failure.
 */
export async function compileBinding(inputs: CompileInputs, env: Environment): Promise<void> {
  mkdirSync(path.dirname(bindingPath(inputs.folder)), { recursive: true });
  for (const compilation of [bindingArguments(inputs), logLevelArguments(inputs)]) {
    const result = await runCommand(inputs.compiler.command, [...commonArguments(inputs), ...compilation], env);
    if (result.status !== 0) {
      const firstError = result.output.split('\n').find((line) => /\berror\b/i.test(line));
      const said = (firstError ?? lastTellingLine(result.output)).trim().slice(0, 300);
      stop('compile-failed', `Compiling the binding failed: ${said}`);
    }
  }
}

function commonArguments({ sources, platform }: CompileInputs): string[] {
  return [
    ...['-O2', '-std=c++17', '-fPIC', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
    // Node's own symbols are found in the process that loads the addon.
    ...(platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared']),
    ...['-I', sources.napiHeaders],
  ];
}

function bindingArguments({ sources, folder, libraries, platform }: CompileInputs): string[] {
  const tensorflow = path.join(folder, 'tensorflow');
  return [
    ...['-I', path.join(tensorflow, 'include'), '-I', sources.package],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => path.join(sources.package, 'binding', name)),
    ...['-o', bindingPath(folder), ...libraries.map((name) => path.join(tensorflow, name))],
    // Relative, so that the folder can be renamed into place after this.
    platform === 'darwin' ? '-Wl,-rpath,@loader_path/../tensorflow' : '-Wl,-rpath,$ORIGIN/../tensorflow',
  ];
}

function logLevelArguments({ folder }: CompileInputs): string[] {
  return [LOG_LEVEL_SOURCE, '-o', logLevelPath(folder), '-ldl'];
}
