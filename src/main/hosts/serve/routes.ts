import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONTENT_SECURITY_POLICY } from '../contentSecurityPolicy.ts';
import { isAllowedHost, isSameOrigin, type AllowedHosts } from './origins.ts';
import type { Encoding, Page, Pages } from '../pages.ts';
import { COOKIE, type Session } from './session.ts';

export interface Served {
  readonly pages: Pages;
  readonly session: Session;
  readonly hosts: AllowedHosts;
}

/** Why a request is turned away before its path is looked at. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 429;
  readonly reason: string;
}

/** What holds for every route and for the WebSocket. @returns null where it may go on */
export function refusalOf(
  { headers, headersDistinct }: IncomingMessage,
  { hosts }: Pick<Served, 'hosts'>,
): Refusal | null {
  // Of two hosts Node keeps the first, a proxy before it perhaps the other.
  if ((headersDistinct['host']?.length ?? 0) > 1) return { status: 400, reason: 'a request has one Host' };
  if (!isAllowedHost(headers.host, hosts)) {
    return {
      status: 403,
      reason: `this server is ${hosts.names.join(' or ')}, not ${JSON.stringify(headers.host ?? '')}`,
    };
  }
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host!)) {
    return { status: 403, reason: 'pages of other sites may not ask here' };
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, reason: 'pages of other sites may not ask here' };
  }
  return null;
}

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Answers a request that is no WebSocket's. */
export function route(request: IncomingMessage, response: ServerResponse, served: Served): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const refusal = refusalOf(request, served);
  if (refusal !== null) {
    refuse(response, refusal);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendText(response, 405, 'only GET is answered here');
    return;
  }
  const address = URL.parse(request.url ?? '', 'http://server');
  if (address === null) {
    sendText(response, 400, 'the address is not valid');
    return;
  }
  if (address.pathname === '/open') {
    open(response, address.searchParams.get('token') ?? '', served.session);
    return;
  }
  if (!served.session.hasCookie(request.headers.cookie)) {
    refuse(response, {
      status: 401,
      reason:
        'Open the workbench by the link that ptw serve printed. Each link works once; press Enter there for a new one.',
    });
    return;
  }
  const page = served.pages.files.get(address.pathname) ?? (isAppAddress(address.pathname) ? served.pages.index : null);
  if (page === null) {
    sendText(response, 404, 'there is no such file');
    return;
  }
  sendPage(request, response, page);
}

/** Addresses of views have no file extension; a missing file must not be answered with a page. */
const isAppAddress = (pathname: string): boolean => !/\.[a-z0-9]+$/i.test(pathname) && !pathname.startsWith('/assets/');

/** Exchanges the token of the link for the cookie, and leaves no token in the address. */
function open(response: ServerResponse, token: string, session: Session): void {
  const exchanged = session.exchange(token);
  if (exchanged === 'too-many') {
    refuse(response, { status: 429, reason: 'Too many wrong links; wait a minute.' });
    return;
  }
  if (exchanged === 'wrong') {
    refuse(response, {
      status: 401,
      reason: 'This link has been used, or is none. Press Enter in the terminal of ptw serve for a new one.',
    });
    return;
  }
  response.setHeader('set-cookie', `${COOKIE}=${exchanged.cookie}; Path=/; HttpOnly; SameSite=Strict`);
  response.setHeader('cache-control', 'no-store');
  response.writeHead(303, { location: '/' }).end();
}

function sendPage(request: IncomingMessage, response: ServerResponse, page: Page): void {
  response.setHeader('etag', page.etag);
  response.setHeader('cache-control', page.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === page.etag) {
    response.writeHead(304).end();
    return;
  }
  const encoding = encodingFor(request.headers['accept-encoding']);
  const body = page.body(encoding);
  if (encoding !== 'identity') response.setHeader('content-encoding', encoding);
  response.writeHead(200, { 'content-type': page.type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function encodingFor(header: string | string[] | undefined): Encoding {
  const accepted = String(header ?? '')
    .split(',')
    .map((part) => part.split(';')[0].trim());
  return accepted.includes('br') ? 'br' : accepted.includes('gzip') ? 'gzip' : 'identity';
}

const refuse = (response: ServerResponse, { status, reason }: Refusal): void => sendText(response, status, reason);

function sendText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${text}\n`);
}
