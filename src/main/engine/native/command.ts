import { spawn } from 'node:child_process';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandResult {
  /** Exit status; null when a signal ended it or it could not start. */
  readonly status: number | null;
  readonly signal: string | null;
  /** Standard output and standard error together, in the order they came. */
  readonly output: string;
  /** Whether the program was not there to start. */
  readonly missing: boolean;
}

/** A program with the arguments that come before all others: `py -m pip`. */
export type Command = readonly [program: string, ...rest: string[]];

/** Runs a command to its end without a shell; whatever happens is in the result, nothing is thrown. */
export function runCommand(
  [program, ...first]: Command,
  rest: readonly string[],
  env: Environment,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...rest], { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ status: null, signal: null, output: output + error.message, missing: error.code === 'ENOENT' });
    });
    child.on('close', (status, signal) => {
      resolve({ status, signal, output, missing: false });
    });
  });
}

/** The first command that starts and exits with 0 when given `probe`; null when none does. */
export async function firstWorking(
  candidates: readonly Command[],
  probe: readonly string[],
  env: Environment,
): Promise<{ readonly command: Command; readonly output: string } | null> {
  for (const command of candidates) {
    const { status, output } = await runCommand(command, probe, env);
    if (status === 0) return { command, output };
  }
  return null;
}

/** The last line that is not blank; of those, the last one that begins with one of `prefixes` where there is one. */
export function lastTellingLine(output: string, prefixes: readonly string[] = []): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.filter((line) => prefixes.some((prefix) => line.startsWith(prefix)));
  return telling.at(-1) ?? lines.at(-1) ?? 'it said nothing';
}
