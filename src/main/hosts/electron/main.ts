// Entry point of the desktop application: a window over the workbench. What can be tested without Electron is in the files beside it.
import { app, BrowserWindow, dialog, ipcMain, Menu, protocol, screen, session } from 'electron';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWorkbench, type WorkbenchApi } from '../../workbench/api/workbenchApi.ts';
import { useEngineSpawner } from '../../workbench/engineSetup/engineProcess.ts';
import { workbenchFolder } from '../../workbench/storeOfFolder.ts';
import { readPages } from '../pages.ts';
import { answerPage, ORIGIN, SCHEME } from './appProtocol.ts';
import { CHANNELS } from './channels.ts';
import { spawnEngineUtility } from './engineSpawner.ts';
import { confineContents, denyPermissions } from './guards.ts';
import { bridge } from './ipcBridge.ts';
import { menuTemplate } from './menu.ts';
import { QUIT, quitQuestion } from './quitQuestion.ts';
import { readWindowState, writeWindowState } from './windowState.ts';

const PAGES = fileURLToPath(new URL('../../../renderer/', import.meta.url));
const PRELOAD = fileURLToPath(new URL('../../../preload/preload.cjs', import.meta.url));

let window: BrowserWindow | null = null;
let workbench: WorkbenchApi | null = null;
let isQuitting = false;
let isAsking = false;

protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

// A second start shows the window of the first: two hosts must not work on one database.
if (!app.requestSingleInstanceLock()) app.exit(0);
app.on('second-instance', () => {
  if (window?.isMinimized() === true) window.restore();
  window?.focus();
});
app.on('web-contents-created', (_event, contents) => confineContents(contents));
// Whatever renderer there is, now or later, is in the sandbox.
app.enableSandbox();

await app.whenReady();
start();

function start(): void {
  try {
    useEngineSpawner(spawnEngineUtility);
    const pages = readPages(PAGES);
    workbench = openWorkbench(workbenchFolder());
    protocol.handle(SCHEME, (request) => answerPage(request, pages));
    denyPermissions(session.defaultSession);
    bridge(workbench, ipcMain, () => window);
    Menu.setApplicationMenu(
      Menu.buildFromTemplate(menuTemplate((id) => window?.webContents.send(CHANNELS.action, id), process.platform)),
    );
    openWindow();
  } catch (error) {
    dialog.showErrorBox('The workbench cannot open', error instanceof Error ? error.message : String(error));
    app.exit(1);
  }
}

function openWindow(): void {
  const file = path.join(app.getPath('userData'), 'window.json');
  const state = readWindowState(
    file,
    screen.getAllDisplays().map(({ workArea }) => workArea),
  );
  const opened = new BrowserWindow({
    ...(state.bounds ?? { width: 1360, height: 860 }),
    minWidth: 800,
    minHeight: 560,
    show: false,
    title: 'Provable Transfer Workbench',
    webPreferences: {
      preload: PRELOAD,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      // It would download dictionaries.
      spellcheck: false,
    },
  });
  window = opened;
  if (state.isMaximised) opened.maximize();
  opened.once('ready-to-show', () => opened.show());
  opened.on('close', () =>
    writeWindowState(file, { bounds: opened.getNormalBounds(), isMaximised: opened.isMaximized() }),
  );
  opened.on('closed', () => (window = null));
  // A page that died is opened again; the run goes on in this process meanwhile.
  opened.webContents.on('render-process-gone', () => {
    if (!isQuitting && !opened.isDestroyed()) opened.reload();
  });
  void opened.loadURL(`${ORIGIN}/runs`);
}

app.on('activate', () => {
  if (window === null) openWindow();
});
app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit();
});
app.on('before-quit', (event) => {
  if (isQuitting || workbench === null) return;
  event.preventDefault();
  void quit(workbench);
});

/** After asking where a run is under way: it is interrupted in order and comes first next time. */
async function quit(open: WorkbenchApi): Promise<void> {
  if (isAsking || isQuitting) return;
  isAsking = true;
  const question = await quitQuestion(open);
  const answer = question === null ? QUIT : (await dialog.showMessageBox(question)).response;
  isAsking = false;
  if (answer !== QUIT) {
    // The last window is closed by then: the run goes on in sight.
    if (window === null) openWindow();
    return;
  }
  isQuitting = true;
  await open.close().finally(() => app.quit());
}
