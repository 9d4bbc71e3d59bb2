import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BindingSources } from '../../../src/main/engine/native/cache.ts';
import { installTensorFlow } from '../../../src/main/engine/native/install.ts';
import type { InstallOutcome, InstallRequest } from '../../../src/main/engine/native/install.ts';
import { WHEEL_NAME, fakeMachine, pythonWithPip, smallSources, smallWheel } from './fakeMachine.ts';
import type { FakeMachine } from './fakeMachine.ts';

let shared: string;
let wheel: ReturnType<typeof smallWheel>;
let sources: BindingSources;
let machine: FakeMachine;
let lines: string[];

beforeAll(() => {
  shared = mkdtempSync(path.join(tmpdir(), 'native-wheel-'));
  wheel = smallWheel(shared);
  sources = smallSources(shared);
});
afterAll(() => {
  rmSync(shared, { recursive: true });
});
beforeEach(() => {
  machine = fakeMachine();
  lines = [];
});
afterEach(() => {
  machine.remove();
});

function install(changes: Partial<InstallRequest> = {}): Promise<InstallOutcome> {
  return installTensorFlow({
    env: machine.env,
    log: (line) => lines.push(line),
    platform: 'linux',
    arch: 'x64',
    sources,
    wheels: wheel.set,
    ...changes,
  });
}

/** A compiler that works, and a pip that fetches the small wheel. */
function completeMachine(): void {
  machine.script('g++', 'exec g++ "$@"');
  pythonWithPip(machine, `cp ${wheel.file} "$dest"`);
}

const NO_NETWORK = `echo "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError(...): Failed to establish a new connection: [Errno 111] Connection refused'" >&2
echo "ERROR: Could not find a version that satisfies the requirement" >&2; exit 1`;

interface RefusalCase {
  readonly name: string;
  readonly code: string;
  readonly reason: RegExp;
  readonly prepare?: () => void;
  readonly changes?: () => Partial<InstallRequest>;
}

const refusals: readonly RefusalCase[] = [
  {
    name: 'PTW_TENSORFLOW=none',
    code: 'chosen-none',
    reason: /PTW_TENSORFLOW=none/,
    changes: () => ({ env: { ...machine.env, PTW_TENSORFLOW: 'none' } }),
  },
  {
    name: 'a choice that does not exist, naming those that do',
    code: 'unknown-choice',
    reason: /"gpu", expected one of cpu, cuda, none/,
    changes: () => ({ env: { ...machine.env, PTW_TENSORFLOW: 'gpu' } }),
  },
  {
    name: 'an absent optional package',
    code: 'package-absent',
    reason: /tfjs-node-gpu/,
    changes: () => ({ sources: null }),
  },
  { name: 'a machine without a compiler', code: 'no-compiler', reason: /tried g\+\+, clang\+\+, c\+\+/ },
  {
    name: 'a compiler named by CXX that is not there',
    code: 'no-compiler',
    reason: /tried ccache no-such-compiler/,
    changes: () => ({ env: { ...machine.env, CXX: 'ccache no-such-compiler' } }),
  },
  {
    name: 'a machine without pip',
    code: 'no-pip',
    reason: /tried python3 -m pip, python -m pip, py -m pip, pip3, pip/,
    prepare: () => {
      machine.script('g++', 'exec g++ "$@"');
    },
  },
  {
    name: 'an index that cannot be reached, with what pip says of it',
    code: 'no-network',
    reason: /Connection refused/,
    prepare: () => {
      completeMachine();
      pythonWithPip(machine, NO_NETWORK);
    },
  },
  {
    name: 'any other failure of pip, with its last useful line',
    code: 'pip-failed',
    reason: /ERROR: No matching distribution found/,
    prepare: () => {
      completeMachine();
      pythonWithPip(
        machine,
        'echo "ERROR: No matching distribution found" >&2; echo "[notice] a new release of pip" >&2; exit 1',
      );
    },
  },
  {
    name: 'a disk that fills up while pip writes',
    code: 'disk-full',
    reason: /while pip fetched tensorflow-cpu==2.21.0/,
    prepare: () => {
      completeMachine();
      pythonWithPip(machine, 'echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1');
    },
  },
  {
    name: 'a disk that is too small from the start, with both sizes',
    code: 'disk-full',
    reason: /needs 1000000\.0 GB, and .* are free/,
    prepare: completeMachine,
    changes: () => ({ wheels: { ...wheel.set, wheels: wheel.set.wheels.map((w) => ({ ...w, unpackedBytes: 1e15 })) } }),
  },
  {
    name: 'a wheel with another hash, with both hashes',
    code: 'hash-mismatch',
    reason: /SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
    prepare: () => {
      completeMachine();
      pythonWithPip(machine, `echo tampered > "$dest/${WHEEL_NAME}"`);
    },
  },
  {
    name: 'a wheel without the members that are needed',
    code: 'unpack-failed',
    reason: /no member begins with tensorflow\/elsewhere/,
    prepare: completeMachine,
    changes: () => ({
      wheels: { ...wheel.set, wheels: wheel.set.wheels.map((w) => ({ ...w, members: ['tensorflow/elsewhere'] })) },
    }),
  },
  {
    name: 'sources that do not compile, with the first error',
    code: 'compile-failed',
    reason: /error: .*this is not C\+\+/,
    prepare: completeMachine,
    changes: () => ({ sources: smallSources(mkdtempSync(path.join(shared, 'bad-')), '#error this is not C++\n') }),
  },
  {
    name: 'an addon that ends the process that loads it, with the signal',
    code: 'does-not-load',
    reason: /ended by SIGILL/,
    prepare: completeMachine,
    changes: () => ({
      sources: smallSources(
        mkdtempSync(path.join(shared, 'trap-')),
        '#include <csignal>\nstruct Trap { Trap() { raise(SIGILL); } } trap;\n',
      ),
    }),
  },
  {
    name: 'a cache folder that cannot be made',
    code: 'unpack-failed',
    reason: /ENOTDIR|EEXIST/,
    prepare: () => {
      completeMachine();
      writeFileSync(machine.cache, '');
    },
  },
];

describe('installTensorFlow refuses, as an outcome', () => {
  it.each(refusals)('$name', async ({ code, reason, prepare, changes }) => {
    prepare?.();
    const outcome = await install(changes?.());
    expect(outcome).toMatchObject({ status: 'unavailable', code });
    if (outcome.status === 'ready') throw new Error('unreachable');
    expect(outcome.reason).toMatch(reason);
    expect(outcome.cure.length).toBeGreaterThan(10);
    const left = existsSync(path.join(machine.cache, 'tensorflow'))
      ? readdirSync(path.join(machine.cache, 'tensorflow'))
      : [];
    expect(left).toEqual([]);
  });

  it.each([
    ['win32', 'x64', 'cpu', /Windows has no C library/, /WSL 2/],
    ['linux', 'arm64', 'cuda', /no CUDA build .* linux on arm64/, /PTW_TENSORFLOW=cpu/],
    ['darwin', 'x64', 'cpu', /no TensorFlow 2\.21\.0 wheel for darwin on x64/, /wasm/],
  ] as const)('%s on %s for %s', async (platform, arch, variant, reason, cure) => {
    const outcome = await installTensorFlow({
      env: machine.env,
      log: () => undefined,
      platform,
      arch,
      variant,
      sources,
    });
    expect(outcome).toMatchObject({ status: 'unavailable', code: 'unsupported-platform' });
    if (outcome.status === 'ready') throw new Error('unreachable');
    expect(outcome.reason).toMatch(reason);
    expect(outcome.cure).toMatch(cure);
  });
});

describe('installTensorFlow', () => {
  it('unpacks, compiles and marks the installation, having said the sizes first', async () => {
    completeMachine();
    const outcome = await install();
    if (outcome.status !== 'ready') throw new Error(outcome.reason);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/2\.21\.0 \(cpu\): .* to download, .* on disk/);
    expect(readdirSync(outcome.folder).sort()).toEqual(['binding', 'complete.json', 'tensorflow']);
    expect(existsSync(path.join(outcome.folder, 'tensorflow', 'python'))).toBe(false);
    const marker = JSON.parse(readFileSync(path.join(outcome.folder, 'complete.json'), 'utf8')) as unknown;
    expect(marker).toEqual({
      version: '2.21.0',
      variant: 'cpu',
      wheels: [{ file: WHEEL_NAME, sha256: wheel.set.wheels[0].sha256 }],
      compiler: expect.stringMatching(/g\+\+/) as string,
    });
  });

  it('does nothing the second time, without pip, compiler or a word', async () => {
    completeMachine();
    expect(await install()).toMatchObject({ status: 'ready', fresh: true });
    lines.length = 0;
    const bare = { ...machine.env, PATH: '/nowhere' };
    expect(await install({ env: bare })).toMatchObject({ status: 'ready', fresh: false });
    expect(lines).toEqual([]);
  });

  it('run twice at once gives one installation and leaves nothing beside it', async () => {
    completeMachine();
    const outcomes = await Promise.all([install(), install()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['ready', 'ready']);
    expect(readdirSync(path.join(machine.cache, 'tensorflow'))).toHaveLength(1);
  });

  it('replaces a folder without a marker and removes what ended installations left', async () => {
    completeMachine();
    const first = await install();
    if (first.status !== 'ready') throw new Error(first.reason);
    rmSync(path.join(first.folder, 'complete.json'));
    writeFileSync(path.join(first.folder, 'stray'), '');
    const parent = path.dirname(first.folder);
    const name = readdirSync(parent)[0];
    expect(await install()).toMatchObject({ status: 'ready', fresh: true });
    expect(readdirSync(parent)).toEqual([name]);
    expect(existsSync(path.join(first.folder, 'stray'))).toBe(false);
    expect(existsSync(path.join(first.folder, 'replaced'))).toBe(false);
  });
});

describe('removeAbandoned', () => {
  it('removes the folder of an ended process and leaves that of a living one and of another host', async () => {
    const { makeAside, removeAbandoned } = await import('../../../src/main/engine/native/aside.ts');
    const living = path.basename(makeAside(shared));
    const ended = living.replace(`-${process.pid}-`, '-4194400-');
    const elsewhere = '.installing-another-host-4194400-abcdef';
    mkdirSync(path.join(shared, ended));
    mkdirSync(path.join(shared, elsewhere));
    removeAbandoned(shared);
    const left = readdirSync(shared).filter((name) => name.startsWith('.installing-'));
    expect(left.sort()).toEqual([living, elsewhere].sort());
  });
});
