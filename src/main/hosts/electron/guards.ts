import { ORIGIN } from './appProtocol.ts';

/** What of a session and its pages is closed off; Electron's own types, as far as they are used. */
export interface GuardedSession {
  setPermissionRequestHandler(
    handler: (contents: unknown, permission: string, grant: (granted: boolean) => void) => void,
  ): void;
  setPermissionCheckHandler(handler: (contents: unknown, permission: string) => boolean): void;
}
export interface GuardedContents {
  setWindowOpenHandler(handler: (details: { readonly url: string }) => { readonly action: 'deny' }): void;
  on(
    event: 'will-navigate' | 'will-redirect',
    listener: (event: { preventDefault(): void }, url: string) => void,
  ): void;
  on(event: 'will-attach-webview', listener: (event: { preventDefault(): void }) => void): void;
}

/** All that pages may do beyond showing themselves: write text to the clipboard after a click. They never read it. */
const PERMITTED = 'clipboard-sanitized-write';

/** No other permission is ever asked for by the pages, so none is given. */
export function denyPermissions(session: GuardedSession): void {
  session.setPermissionRequestHandler((_contents, permission, grant) => grant(permission === PERMITTED));
  session.setPermissionCheckHandler((_contents, permission) => permission === PERMITTED);
}

/** Pages go nowhere but to each other, and open nothing outside: they have no link to the web. */
export function confineContents(contents: GuardedContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  for (const event of ['will-navigate', 'will-redirect'] as const) {
    contents.on(event, (navigation, url) => {
      if (!url.startsWith(`${ORIGIN}/`)) navigation.preventDefault();
    });
  }
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
