import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { firstWorking, lastTellingLine, runCommand } from './command.ts';
import type { Command, CommandResult, Environment } from './command.ts';
import { stop } from './outcome.ts';
import type { Wheel } from './wheels.ts';

/** A pip, and a Python that can unpack what it fetched. */
export interface PythonTools {
  readonly pip: Command;
  readonly python: Command;
}

/** Tried in this order; a bare `pip` may belong to a Python that is not on the path, so its partner is tried too. */
const CANDIDATES: readonly PythonTools[] = [
  { pip: ['python3', '-m', 'pip'], python: ['python3'] },
  { pip: ['python', '-m', 'pip'], python: ['python'] },
  { pip: ['py', '-m', 'pip'], python: ['py'] },
  { pip: ['pip3'], python: ['python3'] },
  { pip: ['pip'], python: ['python'] },
];

/** The first pip that works; stops the installation when there is none. */
export async function findPython(env: Environment): Promise<PythonTools> {
  for (const tools of CANDIDATES) {
    const pip = await firstWorking([tools.pip], ['--version'], env);
    const python = pip && (await firstWorking([tools.python], ['-c', 'import zipfile, zlib'], env));
    if (python) return tools;
  }
  return stop('no-pip', `No pip was found (tried ${CANDIDATES.map(({ pip }) => pip.join(' ')).join(', ')}).`);
}

/**
 * The tags name one build, so that the same pinned file comes whatever Python runs pip: only its libraries are used.
 * No cache of pip's: it would keep a second copy of every wheel.
 */
function downloadArguments(wheel: Wheel, folder: string): string[] {
  return [
    ...['download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--disable-pip-version-check', '--no-input'],
    ...['--retries', '2', '--timeout', '30', '--progress-bar', 'off'],
    ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'],
    ...['--platform', wheel.platform, '--dest', folder, wheel.requirement],
  ];
}

/**
 * Fetches one wheel into an empty folder and checks it against its pinned hash.
 * @returns the file's path; stops the installation on any failure.
 */
export async function downloadWheel(
  tools: PythonTools,
  wheel: Wheel,
  folder: string,
  env: Environment,
): Promise<string> {
  const result = await runCommand(tools.pip, downloadArguments(wheel, folder), env);
  if (result.status !== 0) stopForPip(wheel, result);
  const found = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (found === undefined) stop('pip-failed', `pip fetched ${wheel.requirement} without an error but left no wheel.`);
  const file = path.join(folder, found);
  const sha256 = await fileSha256(file);
  if (sha256 !== wheel.sha256) {
    stop('hash-mismatch', `The wheel ${found} has SHA-256 ${sha256}, expected ${wheel.sha256} (${wheel.file}).`);
  }
  return file;
}

/** Signs, in what pip prints, that the index was not reached; its last line then only says that nothing was found. */
const NETWORK_SIGNS =
  /NewConnectionError|ConnectionError|ConnectTimeout|ReadTimeout|Name or service not known|name resolution|getaddrinfo|ProxyError|Connection (refused|reset|aborted|broken)|Network is unreachable|SSLError|CERTIFICATE_VERIFY_FAILED|Read timed out/i;
const DISK_SIGNS = /No space left on device|Errno 28|Disk quota exceeded|not enough space/i;

/** Whether the text is what programs say when a disk is full. */
export function saysDiskFull(output: string): boolean {
  return DISK_SIGNS.test(output);
}

function stopForPip(wheel: Wheel, { output, signal }: CommandResult): never {
  if (saysDiskFull(output)) stop('disk-full', `The disk filled up while pip fetched ${wheel.requirement}.`);
  const network = output.split('\n').filter((line) => NETWORK_SIGNS.test(line));
  const said = lastTellingLine(network.at(-1) ?? output, ['ERROR']).slice(0, 300);
  if (network.length > 0) stop('no-network', `pip could not reach its index for ${wheel.requirement}: ${said}`);
  stop('pip-failed', `pip could not fetch ${wheel.requirement}: ${signal === null ? said : `ended by ${signal}`}`);
}

/** SHA-256 of a file in lower-case hex, read as a stream. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
