/**
 * Which requests are for this server. A page of another site can make a browser send requests here, and a name of its own
 * can be made to resolve to this address (DNS rebinding): so the name in Host must be one of ours, and an Origin, where there is one,
 * must be the page that Host names. The port is free, because a tunnel may end at another.
 */
export interface AllowedHosts {
  /** Lower case, without port. */
  readonly names: readonly string[];
}

export const LOOPBACK: AllowedHosts = { names: ['127.0.0.1', 'localhost', '[::1]'] };

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i;

export function isAllowedHost(host: string | undefined, { names }: AllowedHosts): boolean {
  const match = HOST.exec(host ?? '');
  return match !== null && names.includes(match[1].toLowerCase());
}

/** Whether an Origin is the very page that the Host names; a browser sends none for a plain visit. */
export function isSameOrigin(origin: string | undefined, host: string): boolean {
  return origin?.toLowerCase() === `http://${host.toLowerCase()}`;
}
