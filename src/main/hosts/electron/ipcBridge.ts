import { requestSchema, type Reply } from '../../../shared/api/envelope.ts';
import type { WorkbenchApi } from '../../workbench/api/workbenchApi.ts';
import { ORIGIN } from './appProtocol.ts';
import { CHANNELS } from './channels.ts';

/** What of Electron's ipcMain and of a window this needs; tests have their own. */
export interface IpcMain {
  handle(channel: string, listener: (event: Sender, request: unknown) => Promise<unknown>): void;
}
export interface Sender {
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}
export interface Window {
  isDestroyed(): boolean;
  readonly webContents: { send(channel: string, message: unknown): void };
}

/**
 * The API over Electron's messages. Only the top frame of the workbench's own pages is answered; a message that is no request is refused
 * to its sender, and reaches nothing.
 * @returns what ends the stream of events
 */
export function bridge(workbench: WorkbenchApi, ipc: IpcMain, window: () => Window | null): () => void {
  ipc.handle(CHANNELS.answer, async ({ senderFrame }, message): Promise<Reply> => {
    if (!isOurs(senderFrame)) throw new Error(`${CHANNELS.answer}: only the workbench's own window is answered`);
    const parsed = requestSchema.safeParse(message);
    if (!parsed.success) throw new Error(`${CHANNELS.answer}: expected a request { id, call, input }`);
    return workbench.answer(parsed.data);
  });
  return workbench.subscribe((event) => {
    const open = window();
    if (open !== null && !open.isDestroyed()) open.webContents.send(CHANNELS.event, event);
  });
}

/** The pages' origin exactly, and no frame inside another. */
export const isOurs = (frame: Sender['senderFrame']): boolean =>
  frame?.parent === null && (frame.url === ORIGIN || frame.url.startsWith(`${ORIGIN}/`));
