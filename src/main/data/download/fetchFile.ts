import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DistributionFile } from '../distributions.ts';
import { AddressFault } from './downloadError.ts';
import { httpGet, type HttpAnswer, type HttpRequest } from './httpGet.ts';
import { PartFile } from './partFile.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
  /** Before each further attempt at an address that gave no new byte; as many attempts as pauses, and the first. */
  readonly pausesMs?: readonly number[];
  readonly stallMs?: number;
  readonly progress: (bytes: number) => void;
  readonly notice: (text: string) => void;
}

export interface FailedAddress {
  readonly address: string;
  readonly fault: AddressFault;
}

const PAUSES_MS = [1_000, 3_000, 9_000] as const;
const STALL_MS = 30_000;
const LONGEST_PAUSE_MS = 60_000;
/** Codes that a later attempt may not meet (RFC 9110 §15, RFC 6585, RFC 8470); all of 500 and above are too. */
const PASSING_STATUS = new Set([408, 425, 429]);

/**
 * Brings a file into the part beside its target, whole and with the right checksum, from the first address that gives it.
 * A part that is there is gone on with, from whichever address: all serve the same bytes, and the checksum is over all.
 * @returns the addresses that failed, all of them where the file did not come; what came then stays in the part.
 * @throws the file system's errors, and the signal's reason
 */
export async function fetchFile(
  file: DistributionFile,
  target: string,
  options: FetchOptions,
): Promise<{ readonly whole: boolean; readonly failed: readonly FailedAddress[] }> {
  const part = await PartFile.open(target, file);
  try {
    const failed: FailedAddress[] = [];
    options.progress(part.bytes);
    for (const address of file.addresses) {
      // The last is told of with the outcome.
      const before = failed.at(-1);
      if (before !== undefined) options.notice(`${before.address}: ${before.fault.message}; now from ${address}`);
      const fault = await fetchFrom(address, { file, part }, options);
      if (fault === null) return { whole: true, failed };
      failed.push({ address, fault });
    }
    return { whole: false, failed };
  } finally {
    await part.close();
  }
}

interface Wanted {
  readonly file: DistributionFile;
  readonly part: PartFile;
}

/** Attempts at one address, until the file is whole (null) or no more are worth it. */
async function fetchFrom(address: string, wanted: Wanted, options: FetchOptions): Promise<AddressFault | null> {
  const { part } = wanted;
  const pauses = options.pausesMs ?? PAUSES_MS;
  const before = part.bytes;
  let farthest = before;
  for (let fruitless = 0; ;) {
    try {
      await attempt(address, wanted, options);
      return null;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof AddressFault)) throw error;
      // A server that begins anew and breaks off at the same place each time gets nowhere: only new bytes count.
      fruitless = part.bytes > farthest ? 1 : fruitless + 1;
      farthest = Math.max(farthest, part.bytes);
      const lostOnTheWay = error.kind === 'unreachable' && farthest > before;
      if ((error.kind !== 'passing' && !lostOnTheWay) || fruitless > pauses.length) return error;
      const pause = Math.min(LONGEST_PAUSE_MS, Math.max(pauses[fruitless - 1] ?? 0, error.pauseMs ?? 0));
      options.notice(`${error.message}; again in ${pause / 1000} s`);
      await sleep(pause, undefined, { signal: options.signal });
    }
  }
}

/** @throws AddressFault */
async function attempt(address: string, { file, part }: Wanted, options: FetchOptions): Promise<void> {
  const from = part.bytes;
  if (from < file.bytes) {
    const answer = await httpGet(address, requestFor(address, part, options));
    try {
      await accept(answer, { file, part });
      await part.from(address, validatorIn(answer.headers));
      for await (const chunk of answer.chunks()) {
        if (part.bytes + chunk.length > file.bytes) {
          await part.restart();
          throw new AddressFault('final', `it sends more than the ${file.bytes} bytes of ${file.name}`);
        }
        await part.append(chunk);
        options.progress(part.bytes);
      }
    } finally {
      answer.drop();
    }
    if (part.bytes < file.bytes)
      throw new AddressFault('passing', `it ended after ${part.bytes} of ${file.bytes} bytes`);
  }
  if (part.isWhole()) return;
  await part.restart();
  options.progress(0);
  // Bytes from before may be the wrong ones, so the whole is asked for once more; whole and wrong is another file.
  if (from > 0) throw new AddressFault('passing', `the checksum of what was gone on with is wrong; begun anew`);
  throw new AddressFault('final', `what it sends as ${file.name} has another checksum than the distributed file`);
}

function requestFor(address: string, part: PartFile, { signal, environment, stallMs }: FetchOptions): HttpRequest {
  const headers: Record<string, string> = {};
  if (part.bytes > 0) {
    headers['range'] = `bytes=${part.bytes}-`;
    const validator = part.validatorAt(address);
    if (validator !== null) headers['if-range'] = validator;
  }
  return { headers, signal, environment, stallMs: stallMs ?? STALL_MS };
}

/** Sets the part to where the answer's body begins. @throws AddressFault where that is none of the file */
async function accept({ status, headers }: HttpAnswer, { file, part }: Wanted): Promise<void> {
  if (status === 200) {
    const bytes = headers['content-length'];
    if (bytes !== undefined && Number(bytes) !== file.bytes) throw anotherSize(bytes, file);
    // It does not know ranges, or the file changed since the part came.
    if (part.bytes > 0) await part.restart();
    return;
  }
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
    const [start, total] = [range?.[1], range?.[2]];
    if (total !== undefined && total !== '*' && Number(total) !== file.bytes) throw anotherSize(total, file);
    if (start !== undefined && Number(start) === part.bytes) return;
    const asked = part.bytes;
    await part.restart();
    throw new AddressFault(
      'passing',
      `asked for bytes from ${asked}, it sends ${headers['content-range'] ?? 'others'}`,
    );
  }
  if (status === 416 && part.bytes > 0) {
    await part.restart();
    throw new AddressFault('passing', 'it has no bytes after those that came (HTTP 416)');
  }
  const passing = status >= 500 || PASSING_STATUS.has(status);
  throw new AddressFault(passing ? 'passing' : 'final', `HTTP ${status}`, { pauseMs: retryAfter(headers) });
}

function anotherSize(bytes: string, file: DistributionFile): AddressFault {
  return new AddressFault('final', `it has ${bytes} bytes as ${file.name}, which has ${file.bytes}`);
}

/** Weak tags do not promise the same bytes, so If-Range must not have them (RFC 9110 §13.1.5). */
function validatorIn({ etag, 'last-modified': changed }: IncomingHttpHeaders): string | null {
  return etag !== undefined && !etag.startsWith('W/') ? etag : (changed ?? null);
}

/** Retry-After, in seconds or as a date. */
function retryAfter({ 'retry-after': text }: IncomingHttpHeaders): number | null {
  if (text === undefined) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
