import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode } from 'fast-png';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DISTRIBUTIONS } from '../../src/main/data/distributions.ts';
import { lineReporter } from '../../src/main/hosts/cli/downloadProgress.ts';
import { deadAddress, startServer, type MischievousServer } from '../data/download/mischievousServer.ts';
import { ptw as run, ptwUntil } from './ptw.ts';

// The command line knows no addresses but the real ones, so it is given a server of ours as its proxy.
const [FIRST] = DISTRIBUTIONS.kmnist;
let server: MischievousServer;
let home: string;
let folder: string;

beforeEach(async () => {
  server = await startServer();
  home = mkdtempSync(path.join(tmpdir(), 'ptw-data-'));
  folder = path.join(home, 'data', 'kmnist');
  process.env['PTW_DATA_DIR'] = path.join(home, 'data');
  useProxy(server.origin);
});
afterEach(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

function useProxy(origin: string): void {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) process.env[name] = origin;
  for (const name of ['NO_PROXY', 'no_proxy']) process.env[name] = '';
}

const ptw = (...args: string[]): ReturnType<typeof run> => run(args, home);

describe('data get', () => {
  it('ends with 2 for a set that there is not', async () => {
    const { code, stderr } = await ptw('data', 'get', 'mnsit');
    expect([code, stderr]).toEqual([2, expect.stringContaining('"mnsit" is no data set; expected one of')]);
  });

  it('ends with 1 without a network, saying where a copied file goes and where it is to be had', async () => {
    useProxy(new URL(await deadAddress()).origin);
    const { code, stderr, stdout } = await ptw('data', 'get', 'kmnist');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/no server can be reached from here; is this machine offline\?/);
    expect(stderr).toContain(`into ${folder}\n`);
    for (const { addresses } of DISTRIBUTIONS.kmnist) expect(stderr).toContain(`  ${addresses[0]}\n`);
  });

  it('leaves a part at Ctrl-C that check tells of, and ends with 130', async () => {
    server.does(FIRST.addresses[0], (_request, response) => {
      response.writeHead(200, { 'content-length': String(FIRST.bytes), etag: '"1"' });
      response.write(Buffer.alloc(Math.ceil(0.3 * FIRST.bytes)));
    });
    const { child, said } = await ptwUntil(/ 2\d %/, ['data', 'get', 'kmnist'], home);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said()).toMatch(/go on with: ptw data get kmnist/);
    expect(readdirSync(folder).sort()).toEqual([`${FIRST.name}.part`, `${FIRST.name}.part.json`]);
    const { stdout } = await ptw('data', 'check', 'kmnist');
    expect(stdout).toMatch(/train-images-idx3-ubyte\.gz .*missing, \d+ % downloaded/);
  });

  it('keeps nothing of another file', async () => {
    server.does(FIRST.addresses[0], (_request, response) => {
      response.end(Buffer.alloc(FIRST.bytes));
    });
    const { code, stderr } = await ptw('data', 'get', 'kmnist');
    expect([code, stderr]).toEqual([1, expect.stringContaining('another checksum than the distributed file')]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('data check', () => {
  it('ends with 1 where a file is wrong, or one of a set that is named is missing', async () => {
    expect((await ptw('data', 'check')).code).toBe(0);
    expect((await ptw('data', 'check', 'kmnist')).code).toBe(1);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, FIRST.name), 'cut');
    const { code, stdout } = await ptw('--json', 'data', 'check');
    expect(code).toBe(1);
    const checked = JSON.parse(stdout) as { name: string; files: { state: { kind: string } }[] }[];
    const kinds = checked.find(({ name }) => name === 'kmnist')?.files.map(({ state }) => state.kind);
    expect(kinds).toEqual(['wrong', 'missing', 'missing', 'missing']);
  });
});

describe('data show', () => {
  it('counts the classes of each part and of balanced subsets', async () => {
    const { stdout, code } = await ptw('data', 'show', 'mnist', '--training-instances', '100', '--instances', '25');
    expect(code).toBe(0);
    expect(stdout).toMatch(/all .*90 .*10 .*1000 .*25/);
    const { stdout: text } = await ptw('--json', 'data', 'show', 'mnist', '--instances', '25');
    const { counts } = JSON.parse(text) as { counts: { evaluated: number[] } };
    expect(counts.evaluated).toEqual([3, 3, 3, 3, 3, 2, 2, 2, 2, 2]);
  });
});

describe('data preview', () => {
  it('writes a picture and says where', async () => {
    const out = path.join(home, 'pictures', 'sheet.png');
    const { stdout, code } = await ptw('data', 'preview', 'mnist', '--split', 'test', '--columns', '4', '--out', out);
    expect([code, stdout]).toEqual([0, `${out}\n`]);
    expect(decode(readFileSync(out)).height).toBeGreaterThan(10 * 56);
  });

  it('ends with 2 for what it cannot do', async () => {
    const out = path.join(home, 'sheet.png');
    expect((await ptw('data', 'preview', 'mnist', '--rows', '0', '--out', out)).code).toBe(2);
    expect((await ptw('data', 'preview', 'mnist', '--rows', '1e9', '--out', out)).code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

it('a log of a download has a line for each quarter, not for each piece', () => {
  const lines: string[] = [];
  const reporter = lineReporter((line) => lines.push(line));
  reporter.began(FIRST);
  for (let i = 1; i <= 1000; i++) reporter.progress((i / 1000) * FIRST.bytes, FIRST);
  reporter.ended(FIRST, 'downloaded');
  expect(lines).toEqual([
    '  train-images-idx3-ubyte.gz, 18.2 MB …',
    '    25 %',
    '    50 %',
    '    75 %',
    '  train-images-idx3-ubyte.gz: downloaded',
  ]);
});
