import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { openWorkbench, type WorkbenchApi } from '../../workbench/api/workbenchApi.ts';
import { BadInput } from '../../workbench/errors.ts';
import { LOOPBACK } from './origins.ts';
import { readPages } from '../pages.ts';
import { route, type Served } from './routes.ts';
import { openSession } from './session.ts';
import { openSockets, SOCKET_PATH } from './socket.ts';

export const RENDERER_FOLDER = fileURLToPath(new URL('../../../../dist/renderer/', import.meta.url));

export interface ServeOptions {
  /** Of the database. */
  readonly folder: string;
  /** 0 for a free one. */
  readonly port: number;
  /** The built pages; by default those of this program. */
  readonly pages?: string;
  /** Further names that this machine is reached by, lower case. */
  readonly allowedHosts?: readonly string[];
}

/** The workbench in the browser. */
export interface Server {
  readonly port: number;
  readonly workbench: WorkbenchApi;
  /** A link that opens the workbench once. */
  newLink(): string;
  /** Interrupts what is under way, which can be resumed. */
  close(): Promise<void>;
}

/**
 * Serves the workbench on the loopback interface only: from another machine it is reached through a tunnel.
 * @throws BadInput where the pages are not built or the port is taken; StoreError
 */
export async function serve({
  folder,
  port,
  pages = RENDERER_FOLDER,
  allowedHosts = [],
}: ServeOptions): Promise<Server> {
  const session = openSession();
  const served: Served = {
    pages: readPages(pages),
    session,
    hosts: { names: [...LOOPBACK.names, ...allowedHosts] },
  };
  const workbench = openWorkbench(folder);
  const sockets = openSockets(workbench, served);
  const server = createServer({ requestTimeout: 30_000, maxHeaderSize: 16_384 }, (request, response) => {
    route(request, response, served);
  });
  server.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));
  const close = async (): Promise<void> => {
    sockets.close();
    await workbench.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  try {
    await listen(server, port);
  } catch (error) {
    await workbench.close();
    throw error;
  }
  const taken = (server.address() as AddressInfo).port;
  return { port: taken, workbench, newLink: () => `http://127.0.0.1:${taken}/open?token=${session.newToken()}`, close };
}

export { SOCKET_PATH };

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} is taken, perhaps by another ptw serve; choose one with --port, or 0 for a free one`
          : error.message;
      reject(new BadInput(`serve on 127.0.0.1:${port}: ${why}`));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
