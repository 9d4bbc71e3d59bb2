// Who may not ask `serve`, and for what: tables of hosts, origins and paths that must all be refused.

export interface Variant {
  readonly what: string;
  /** Lines of the head in place of an honest Host and Origin. */
  readonly lines: (port: number) => readonly string[];
}

const host = (value: string): Variant => ({ what: `Host ${JSON.stringify(value)}`, lines: () => [`Host: ${value}`] });
const origin = (value: string): Variant => ({
  what: `Origin ${JSON.stringify(value)}`,
  lines: (port) => [`Host: 127.0.0.1:${port}`, `Origin: ${value}`],
});

/** Names that are not ours, ours with something around them, and other ways to write an address. */
const HOSTS = [
  'evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil-localhost', 'localhost.', '127.0.0.1.',
  '127.0.0.1@evil.example', 'evil.example@127.0.0.1', '127.0.0.1:80@evil.example', '127.1', '0.0.0.0', '127.0.0.2', '2130706433',
  '0x7f000001', '0177.0.0.1', '127.000.000.001', '[::2]', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]', '::1', '[::1', '127.0.0.1:',
  '127.0.0.1:99999999', '127.0.0.1:80:80', '127.0.0.1:x', '127.0.0.1,evil.example', '127.0.0.1 evil.example', '127.0.0.1/evil',
  '127.0.0.1#', '127.0.0.1?x', 'xn--localhost', '', '*', '127.0.0.1%00', 'http://127.0.0.1',
].map(host); // prettier-ignore

/** Other sites, other ports, other schemes, and what browsers send of opaque pages. */
const ORIGINS = [
  'null', 'http://evil.example', 'https://evil.example', 'http://localhost', 'http://127.0.0.1', 'http://127.0.0.1:1', 'https://127.0.0.1',
  'file://', 'app://workbench', 'http://127.0.0.1.evil.example', 'http://user@127.0.0.1', '', 'http://', 'chrome-extension://abcdefgh',
].map(origin); // prettier-ignore

const OTHERS: readonly Variant[] = [
  { what: 'no Host', lines: () => [] },
  { what: 'two Hosts, ours first', lines: (port) => [`Host: 127.0.0.1:${port}`, 'Host: evil.example'] },
  { what: 'two Hosts, ours last', lines: (port) => ['Host: evil.example', `Host: 127.0.0.1:${port}`] },
  {
    what: 'two Origins, ours first',
    lines: (port) => [`Host: 127.0.0.1:${port}`, `Origin: http://127.0.0.1:${port}`, 'Origin: http://evil.example'],
  },
  {
    what: 'the Origin of another port, which a tunnel may not have',
    lines: (port) => ['Host: localhost:9', `Origin: http://127.0.0.1:${port}`],
  },
  ...['cross-site', 'same-site', 'x', 'same-origin, cross-site'].map((site) => ({
    what: `Sec-Fetch-Site ${site}`,
    lines: (port: number) => [`Host: 127.0.0.1:${port}`, `Sec-Fetch-Site: ${site}`],
  })),
];

export const VARIANTS: readonly Variant[] = [...HOSTS, ...ORIGINS, ...OTHERS];

const UP = [
  '..',
  '%2e%2e',
  '%2E%2E',
  '.%2e',
  '%2e.',
  '..%00',
  '%c0%ae%c0%ae',
  '%252e%252e',
  '\uff0e\uff0e',
  '..;',
  '...',
  '.. ',
];
const SLASH = ['/', '%2f', '%2F', '\\', '%5c', '%5C', '%252f', '//', '/./', '%c0%af'];
const BEFORE = ['/', '/assets/', '/runs/', '//', '/./'];
const FILES = ['outside.html', 'etc/passwd', 'secret.json'];
const ABSOLUTE = [
  '/etc/passwd', '//etc/passwd', '/%2fetc/passwd', '/C:/outside.html', '/C:%5coutside.html', '/c|/outside.html', '/D:outside.html',
  '/\\\\?\\C:\\outside.html', '/\\\\server\\share\\outside.html', '/%5c%5cserver%5cshare%5coutside.html', '/file:///etc/passwd',
  'file:///etc/passwd', 'http://evil.example/outside.html', '/CON.html', '/outside.html::$DATA', '/outside.html%20', '/outside.html.',
  '/assets/main.js/../../../outside.html', '/assets/main.js%00.html', '/~/outside.html', '/%7e/outside.html', '/.git/config.json',
  '/linked.html', '/linked/outside.html', '/assets/linked.html', '/assets/linked/outside.html', '/linked', '/proc/self/environ',
  '*', '?', '/?/../outside.html', '/#/../outside.html', '/index.html/../../outside.html',
]; // prettier-ignore

/** Paths that try to lead out of the pages' folder: encoded, doubly encoded, overlong, absolute, of drives, and over symbolic links. */
export const TRAVERSALS: readonly string[] = [
  ...ABSOLUTE,
  ...BEFORE.flatMap((before) =>
    UP.flatMap((up) =>
      SLASH.flatMap((slash) =>
        [1, 2, 6].flatMap((times) => FILES.map((file) => `${before}${(up + slash).repeat(times)}${file}`)),
      ),
    ),
  ),
];
