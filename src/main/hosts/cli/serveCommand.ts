import { spawn } from 'node:child_process';
import { InvalidArgumentError } from 'commander';
import { serve, type Server } from '../serve/serve.ts';
import type { CommandContext } from './commandContext.ts';
import { collect } from './commandContext.ts';

const DEFAULT_PORT = 7341;

function portNumber(text: string): number {
  const port = Number(text);
  if (text === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('expected a port from 0 (a free one) to 65535');
  }
  return port;
}

export function addServeCommand({ program, folder }: CommandContext): void {
  program
    .command('serve')
    .description('open the workbench in the browser, on this machine only; from elsewhere through ssh -L')
    .option('--port <port>', 'port on 127.0.0.1; 0 for a free one', portNumber, DEFAULT_PORT)
    .option('--allow-host <name>', 'a further name in addresses that is this server; may be repeated', collect, [])
    .option('--open', 'open the link in the default browser', false)
    .action(async ({ port, allowHost, open }: { port: number; allowHost: string[]; open: boolean }) => {
      const server = await serve({ folder, port, allowedHosts: allowHost.map((name) => name.toLowerCase()) });
      await untilStopped(server, open);
    });
}

/** Prints links as they are asked for, until Ctrl-C; what is under way then is interrupted and can be resumed. */
async function untilStopped(server: Server, opens: boolean): Promise<void> {
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  say('The workbench is open. This link works once; press Enter for another one, Ctrl-C to end.');
  const link = server.newLink();
  say(link);
  if (opens) openInBrowser(link);
  const onLine = (): boolean => say(server.newLink());
  process.stdin.on('data', onLine);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  say('Ending; a run under way is interrupted and can be resumed.');
  process.stdin.off('data', onLine);
  process.stdin.pause();
  await server.close();
}

/** Where there is no browser to open, the printed link is what there is. */
function openInBrowser(link: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
  const opener = spawn(command, [...args, link], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
