import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { BadInput } from '../../errors.ts';
import { LauncherUnreachable } from '../launcher.ts';
import { quoted } from '../slurm/sbatchScript.ts';

/** ssh's own failures end with 255. */
const SSH_FAILED = 255;
const BAD_INPUT = 2;

/** A login node, by the system's own ssh: its config, jump hosts and agents. No key passes through here. */
export class Ssh {
  readonly host: string;
  /** The workbench's command line there. */
  readonly #command: string;

  constructor(host: string, command: string) {
    this.host = host;
    this.#command = command;
  }

  /**
   * A command of the workbench there, as what it prints.
   * @throws BadInput with its sentence where it refuses, LauncherUnreachable where it cannot be reached
   */
  async workbench(args: readonly string[], input = ''): Promise<unknown> {
    const line = [this.#command, '--json', ...args.map(quoted)].join(' ');
    const { code, stdout, stderr } = await this.#run(line, input);
    if (code === SSH_FAILED) throw new LauncherUnreachable(`ssh ${this.host}: ${stderr.trim()}`);
    if (code === BAD_INPUT) throw new BadInput(`${this.host}: ${stderr.trim()}`);
    if (stdout.trim() === '') {
      throw new LauncherUnreachable(
        `${this.host}: "${this.#command}" ended with ${code}: ${stderr.trim()}; "command" in the launch settings is the workbench's command line there`,
      );
    }
    try {
      return JSON.parse(stdout);
    } catch {
      throw new LauncherUnreachable(
        `${this.host}: "${this.#command}" printed ${JSON.stringify(stdout.slice(0, 200))}, expected JSON; ` +
          'what a login shell prints must go to standard error',
      );
    }
  }

  /** Brings files of a folder there into one here. @param names relative, without anything a shell would read */
  async download(names: readonly string[], from: string, to: string): Promise<void> {
    if (names.length === 0) return;
    const there = this.#spawn(`tar -cf - -C ${quoted(from)} -T -`);
    const here = spawn('tar', ['-xf', '-', '-C', to], { stdio: ['pipe', 'ignore', 'pipe'] });
    const ends = [ended(there, `ssh ${this.host} tar`), ended(here, 'tar')];
    there.stdin.end(`${names.join('\n')}\n`);
    pour(there.stdout, here.stdin);
    await Promise.all(ends);
  }

  async upload(names: readonly string[], from: string, to: string): Promise<void> {
    if (names.length === 0) return;
    const here = spawn('tar', ['-cf', '-', '-C', from, '-T', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const there = this.#spawn(`tar -xf - -C ${quoted(to)}`);
    const ends = [ended(there, `ssh ${this.host} tar`), ended(here, 'tar')];
    here.stdin.end(`${names.join('\n')}\n`);
    pour(here.stdout, there.stdin);
    await Promise.all(ends);
  }

  #spawn(line: string) {
    return spawn('ssh', ['-T', this.host, line], { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  async #run(line: string, input: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = this.#spawn(line);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    // One that ends before it has read everything says why itself.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, ...output };
    } catch (error) {
      throw new LauncherUnreachable(`ssh cannot be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** tar closes its input at the end of an archive, before all of its padding has come. How both sides end says whether all went well. */
function pour(from: Readable, into: Writable): void {
  into.on('error', () => undefined);
  into.once('close', () => from.resume());
  from.pipe(into);
}

async function ended(child: ReturnType<typeof spawn>, name: string): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new LauncherUnreachable(`${name} ended with ${String(code)}: ${said.trim()}`);
}
