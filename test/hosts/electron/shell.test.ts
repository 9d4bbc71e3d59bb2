import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerPage } from '../../../src/main/hosts/electron/appProtocol.ts';
import { CHANNELS } from '../../../src/main/hosts/electron/channels.ts';
import { QUIT, quitQuestion } from '../../../src/main/hosts/electron/quitQuestion.ts';
import { confineContents, denyPermissions, type GuardedContents } from '../../../src/main/hosts/electron/guards.ts';
import { bridge, type Sender } from '../../../src/main/hosts/electron/ipcBridge.ts';
import { menuTemplate } from '../../../src/main/hosts/electron/menu.ts';
import { readWindowState, writeWindowState } from '../../../src/main/hosts/electron/windowState.ts';
import { readPages } from '../../../src/main/hosts/pages.ts';
import { openWorkbench } from '../../../src/main/workbench/api/workbenchApi.ts';
import { ACTIONS } from '../../../src/shared/actions.ts';
import type { Reply, Request } from '../../../src/shared/api/envelope.ts';
import type { WorkbenchEvent } from '../../../src/shared/api/events.ts';
import { emptyFolder } from '../../workbench/tinyExperiment.ts';

const folder = emptyFolder();
mkdirSync(path.join(folder, 'assets'));
writeFileSync(path.join(folder, 'index.html'), '<title>Workbench</title>');
writeFileSync(path.join(folder, 'assets', 'main.js'), 'void 0;');
writeFileSync(path.join(folder, '..', 'outside.html'), 'secret');
const pages = readPages(folder);
const get = (url: string, method = 'GET'): Response => answerPage({ url, method }, pages);

describe('the app protocol', () => {
  it('serves the pages, every address of a view as the index, all with a policy', async () => {
    for (const [address, text] of [
      ['app://workbench/', '<title>'],
      ['app://workbench/runs/7?x=1', '<title>'],
      ['app://workbench/assets/main.js', 'void 0;'],
    ] as const) {
      const answer = get(address);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await answer.text()).toContain(text);
    }
  });

  it.each([
    ['app://workbench/../outside.html', 404],
    ['app://workbench/%2e%2e/outside.html', 404],
    ['app://workbench/..%2foutside.html', 404],
    ['app://workbench/assets/..%5c..%5coutside.html', 404],
    ['app://workbench//etc/passwd.html', 404],
    ['app://workbench/C:/outside.html', 404],
    ['app://workbench/assets/nothing', 404],
    ['app://elsewhere/', 403],
    ['file:///etc/passwd', 403],
    ['https://workbench/', 403],
    ['nonsense', 403],
  ])('refuses %s', async (address, status) => {
    const answer = get(address);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain('secret');
  });

  it.each(['POST', 'PUT', 'DELETE'])('refuses %s', (method) => {
    expect(get('app://workbench/', method).status).toBe(405);
  });
});

describe('the bridge', () => {
  type Listener = (event: Sender, message: unknown) => Promise<unknown>;
  const open = () => {
    const workbench = openWorkbench(emptyFolder());
    let listener: Listener | null = null;
    const sent: [string, unknown][] = [];
    const window = {
      isDestroyed: () => false,
      webContents: { send: (channel: string, message: unknown) => sent.push([channel, message]) },
    };
    const channels: string[] = [];
    bridge(
      workbench,
      {
        handle: (channel, of) => {
          channels.push(channel);
          listener = of;
        },
      },
      () => window,
    );
    return { workbench, ask: listener as unknown as Listener, sent, channels };
  };
  const ours: Sender = { senderFrame: { url: 'app://workbench/runs', parent: null } };
  const request = { id: 1, call: 'tasks.cancel', input: { task: 'none' } };

  it('answers the pages, and listens on one channel alone', async () => {
    const { workbench, ask, channels } = open();
    expect(channels).toEqual([CHANNELS.answer]);
    expect(await ask(ours, request)).toEqual({ id: 1, ok: true, output: {} });
    await workbench.close();
  });

  it.each([
    { senderFrame: null },
    { senderFrame: { url: 'app://workbench.evil/', parent: null } },
    { senderFrame: { url: 'app://workbenchx', parent: null } },
    { senderFrame: { url: 'https://workbench/', parent: null } },
    { senderFrame: { url: 'file:///app', parent: null } },
    { senderFrame: { url: 'app://workbench/', parent: {} } },
  ])('refuses the sender %j', async (sender) => {
    const { workbench, ask } = open();
    await expect(ask(sender, request)).rejects.toThrow("only the workbench's own window is answered");
    await workbench.close();
  });

  it.each([null, 7, 'x', [], {}, { id: -1, call: 'x', input: {} }, { ...request, also: 1 }])(
    'refuses the message %j',
    async (message) => {
      const { workbench, ask } = open();
      await expect(ask(ours, message)).rejects.toThrow('expected a request');
      await workbench.close();
    },
  );

  it('passes events on to the window', async () => {
    const { workbench, ask, sent } = open();
    await ask(ours, { id: 2, call: 'queue.pause', input: {} });
    expect(sent).toContainEqual([CHANNELS.event, { kind: 'queue-changed' } satisfies WorkbenchEvent]);
    await workbench.close();
  });

  it('has the names that the preload script has', () => {
    const preload = readFileSync(new URL('../../../src/preload/preload.ts', import.meta.url), 'utf8');
    for (const [name, channel] of Object.entries(CHANNELS)) expect(preload).toContain(`${name}: '${channel}'`);
  });
});

describe('the guards', () => {
  it.each([
    ['camera', false],
    ['clipboard-read', false],
    ['notifications', false],
    ['fileSystem', false],
    ['clipboard-sanitized-write', true],
  ])('answer %s with %s', (permission, expected) => {
    const granted: boolean[] = [];
    let check: ((contents: unknown, permission: string) => boolean) | null = null;
    denyPermissions({
      setPermissionRequestHandler: (handler) => handler(null, permission, (is) => granted.push(is)),
      setPermissionCheckHandler: (handler) => (check = handler),
    });
    expect([...granted, check!(null, permission)]).toEqual([expected, expected]);
  });

  it('let pages go to each other only, and open nothing', () => {
    const listeners = new Map<string, (event: { preventDefault(): void }, url: string) => void>();
    let opening: ((details: { url: string }) => { action: 'deny' }) | null = null;
    const contents = {
      setWindowOpenHandler: (handler: typeof opening) => (opening = handler),
      on: (event: string, listener: never) => listeners.set(event, listener),
    } as unknown as GuardedContents;
    confineContents(contents);
    const goes = (event: string, url: string): boolean => {
      let isPrevented = false;
      listeners.get(event)!({ preventDefault: () => (isPrevented = true) }, url);
      return !isPrevented;
    };
    expect(goes('will-navigate', 'app://workbench/queue')).toBe(true);
    for (const url of ['https://example.org/', 'file:///etc/passwd', 'app://workbench.evil/', 'javascript:alert(1)']) {
      expect(goes('will-navigate', url)).toBe(false);
      expect(goes('will-redirect', url)).toBe(false);
      expect(opening!({ url })).toEqual({ action: 'deny' });
    }
    expect(goes('will-attach-webview', '')).toBe(false);
  });
});

describe('quitting', () => {
  const answering = (current: object | null) => ({
    answer: ({ id, call }: Request): Promise<Reply> => {
      expect(call).toBe('queue.state');
      return Promise.resolve({ id, ok: true, output: { entries: [], current, isPaused: false, elsewhere: [] } });
    },
  });

  it('asks where something is under way, and keeps it running unless told otherwise', async () => {
    const question = await quitQuestion(answering({ name: 'demo', isCancelling: false }));
    expect(question).toMatchObject({ message: '“demo” is under way. Quit anyway?' });
    expect(question!.defaultId).not.toBe(QUIT);
    expect(question!.cancelId).not.toBe(QUIT);
    expect(question!.buttons[QUIT]).toBe('Quit');
  });

  it('does not ask where nothing is, or where it is ending already', async () => {
    expect(await quitQuestion(answering(null))).toBeNull();
    expect(await quitQuestion(answering({ name: 'demo', isCancelling: true }))).toBeNull();
  });

  it('does not ask of a real workbench that is idle', async () => {
    const workbench = openWorkbench(emptyFolder());
    expect(await quitQuestion(workbench)).toBeNull();
    await workbench.close();
  });
});

describe('the menu', () => {
  it('has every action, and tells which was chosen', () => {
    const chosen: string[] = [];
    const items = menuTemplate((id) => chosen.push(id), 'linux').flatMap(({ submenu }) => submenu ?? []);
    for (const item of items) item.click?.();
    expect(chosen.sort()).toEqual(ACTIONS.map(({ id }) => id).sort());
    expect(menuTemplate(() => undefined, 'darwin')[0]).toEqual({ role: 'appMenu' });
  });
});

describe('the window', () => {
  const file = path.join(emptyFolder(), 'deep', 'window.json');
  const display = { x: 0, y: 0, width: 1920, height: 1080 };

  it('comes back where it was, unless no display is there', () => {
    const state = { bounds: { x: 100, y: 50, width: 1200, height: 800 }, isMaximised: true };
    writeWindowState(file, state);
    expect(readWindowState(file, [display])).toEqual(state);
    expect(readWindowState(file, [{ ...display, x: 5000 }])).toEqual({ bounds: null, isMaximised: true });
  });

  it.each(['', '{', '{"bounds":{"x":"a"}}', '{"bounds":{"x":0,"y":0,"width":1,"height":1},"isMaximised":false}'])(
    'begins anew where its file says %s',
    (text) => {
      writeFileSync(file, text);
      expect(readWindowState(file, [display])).toEqual({ bounds: null, isMaximised: false });
    },
  );
});
