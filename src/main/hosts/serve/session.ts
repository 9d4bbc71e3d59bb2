import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits, so that guessing is hopeless at any rate. */
const BYTES = 32;
export const COOKIE = 'ptw-session';
/** Wrong tokens that are read a minute; more are turned away unread. */
const WRONG_A_MINUTE = 20;

/** Who may speak to the server: whoever opened the link, once, and has had the cookie since. */
export interface Session {
  /** A token for a link that opens the workbench once; the one before it no longer does. */
  newToken(): string;
  /** The value of the cookie in exchange for the token of the last link, which is then spent. */
  exchange(token: string): { readonly cookie: string } | 'wrong' | 'too-many';
  /** Wrong ones are not counted: pages left open by an earlier server go on asking with its cookie. */
  hasCookie(header: string | undefined): boolean;
}

export function openSession(now: () => number = Date.now): Session {
  const secret = randomBytes(BYTES).toString('base64url');
  let token: string | null = null;
  let wrong: number[] = [];
  return {
    newToken: () => (token = randomBytes(BYTES).toString('base64url')),
    exchange(given) {
      wrong = wrong.filter((at) => now() - at < 60_000);
      if (wrong.length >= WRONG_A_MINUTE) return 'too-many';
      if (token === null || !isEqual(given, token)) {
        wrong.push(now());
        return 'wrong';
      }
      token = null;
      return { cookie: secret };
    },
    hasCookie(header) {
      const given = cookieIn(header);
      return given !== null && isEqual(given, secret);
    },
  };
}

/** In constant time, whatever the lengths: what is compared are hashes. */
function isEqual(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

function cookieIn(header: string | undefined): string | null {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === COOKIE) return part.slice(at + 1).trim();
  }
  return null;
}
