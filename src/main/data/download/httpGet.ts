import http from 'node:http';
import https from 'node:https';
import { AddressFault } from './downloadError.ts';

/**
 * One GET over Node's own client rather than fetch: fetch unpacks what a server calls gzip-encoded, and servers say so of
 * files that are gzip themselves, whose checksum is over the packed bytes.
 */
export interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Longest silence, before the answer and within it. */
  readonly stallMs: number;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are looked up. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The body as the server sends it. Iterating @throws AddressFault */
  readonly chunks: () => AsyncGenerator<Uint8Array>;
  /** Ends the connection; for answers whose body is of no interest. */
  readonly drop: () => void;
}

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What says that the network, not the server, is the matter. */
const UNREACHABLE = new Set([
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
  'ERR_PROXY_TUNNEL',
]);
const PASSING = new Set(['ECONNABORTED', 'ECONNRESET', 'EPIPE']);

/** The answer at an address, after redirects. @throws AddressFault where there is none */
export async function httpGet(address: string, request: HttpRequest): Promise<HttpAnswer> {
  let at = address;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await answerAt(at, request);
    const to = answer.headers.location;
    if (!REDIRECTS.has(answer.status) || to === undefined) return answer;
    answer.drop();
    at = redirected(at, to);
  }
  throw new AddressFault('final', `it redirects more than ${MOST_REDIRECTS} times`);
}

function redirected(from: string, to: string): string {
  const target = URL.parse(to, from);
  if (target !== null && (target.protocol === 'http:' || target.protocol === 'https:')) return target.href;
  throw new AddressFault('final', `it redirects to ${to}, which is no http(s) address`);
}

function answerAt(address: string, { headers, signal, stallMs, environment }: HttpRequest): Promise<HttpAnswer> {
  const client = address.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    let stalled = false;
    const sent = client.get(address, {
      // Compression on the way would be over what is packed already.
      headers: { 'user-agent': 'provable-transfer-workbench', 'accept-encoding': 'identity', ...headers },
      signal,
      // Of the socket, so that it holds while connecting too.
      timeout: stallMs,
      agent: new client.Agent({ proxyEnv: environment }),
    });
    const silence = `nothing came for ${stallMs / 1000} s`;
    sent.on('timeout', () => {
      stalled = true;
      sent.destroy();
    });
    sent.on('error', (cause) => reject(stalled ? new AddressFault('unreachable', silence, { cause }) : faultOf(cause)));
    sent.on('response', (message) => {
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for await (const chunk of message) yield chunk as Uint8Array;
        } catch (cause) {
          throw stalled ? new AddressFault('passing', silence, { cause }) : faultOf(cause);
        }
      };
      const drop = (): void => {
        message.destroy();
      };
      // The client sets it on every answer.
      resolve({ status: message.statusCode!, headers: message.headers, chunks, drop });
    });
  });
}

function faultOf(cause: unknown): AddressFault {
  const code = codeOf(cause);
  const message = cause instanceof Error && cause.message !== '' ? cause.message : code;
  if (UNREACHABLE.has(code)) return new AddressFault('unreachable', message, { cause });
  return new AddressFault(PASSING.has(code) ? 'passing' : 'final', message, { cause });
}

/** The system's name of an error; of the first of several, as of a host with more than one address. */
function codeOf(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? cause.errors.at(0) : cause;
  const { code } = (first ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : 'unknown error';
}
