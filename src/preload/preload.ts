import { contextBridge, ipcRenderer } from 'electron';
import type { Reply, Request } from '../shared/api/envelope.ts';
import type { WorkbenchEvent } from '../shared/api/events.ts';

/**
 * All that the pages have of Electron: to ask, to listen, and to hear of the menu. The names of the channels stand here again
 * (src/main/hosts/electron/channels.ts), because a sandboxed preload script is one file; a test holds them equal.
 */
const CHANNELS = { answer: 'workbench:answer', event: 'workbench:event', action: 'workbench:action' } as const;

function listen(channel: string, listener: (value: never) => void): () => void {
  const hear = (_event: unknown, value: unknown): void => listener(value as never);
  ipcRenderer.on(channel, hear);
  return () => void ipcRenderer.off(channel, hear);
}

contextBridge.exposeInMainWorld('workbench', {
  answer: (request: Request): Promise<Reply> => ipcRenderer.invoke(CHANNELS.answer, request) as Promise<Reply>,
  subscribe: (listener: (event: WorkbenchEvent) => void) => listen(CHANNELS.event, listener),
  onAction: (listener: (action: string) => void) => listen(CHANNELS.action, listener),
});
