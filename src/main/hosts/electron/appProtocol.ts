import { CONTENT_SECURITY_POLICY } from '../contentSecurityPolicy.ts';
import type { Page, Pages } from '../pages.ts';

export const SCHEME = 'app';
/** The one host of the scheme, so that the pages have one origin. */
export const HOST = 'workbench';
export const ORIGIN = `${SCHEME}://${HOST}`;

/** Answers a request of the window with a built page. Only names among the pages are served: no path leads to another file. */
export function answerPage(request: { readonly url: string; readonly method: string }, pages: Pages): Response {
  const address = URL.parse(request.url);
  if (address?.protocol !== `${SCHEME}:` || address.host !== HOST)
    return refused(403, 'only the pages of the workbench are here');
  if (request.method !== 'GET' && request.method !== 'HEAD') return refused(405, 'only GET is answered here');
  const page = pages.files.get(address.pathname) ?? (isAppAddress(address.pathname) ? pages.index : null);
  return page === null ? refused(404, 'there is no such file') : served(page, request.method);
}

/** Addresses of views have no file extension. */
const isAppAddress = (pathname: string): boolean => !/\.[a-z0-9]+$/i.test(pathname) && !pathname.startsWith('/assets/');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

const served = (page: Page, method: string): Response =>
  new Response(method === 'HEAD' ? null : new Uint8Array(page.body('identity')), {
    headers: { ...HEADERS, 'content-type': page.type },
  });

const refused = (status: number, reason: string): Response =>
  new Response(`${reason}\n`, { status, headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' } });
