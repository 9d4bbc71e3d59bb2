import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BindingSources } from '../../../src/main/engine/native/cache.ts';
import type { Environment } from '../../../src/main/engine/native/command.ts';
import type { WheelSet } from '../../../src/main/engine/native/wheels.ts';

/** A machine in a temporary folder: only the programs put on it are on its path, and nothing of it reaches a network. */
export interface FakeMachine {
  readonly env: Environment;
  readonly cache: string;
  /** Puts a shell script on the path. */
  script(name: string, body: string): void;
  /** Puts a real program on the path under its own name. */
  real(name: string): void;
  remove(): void;
}

export function fakeMachine(): FakeMachine {
  const root = mkdtempSync(path.join(tmpdir(), 'native-test-'));
  const bin = path.join(root, 'bin');
  const cache = path.join(root, 'cache');
  mkdirSync(bin);
  return {
    env: { PATH: bin, PTW_CACHE_DIR: cache, PTW_TENSORFLOW: 'cpu', HOME: root },
    cache,
    script: (name, body) => {
      writeFileSync(path.join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`, { mode: 0o755 });
    },
    real: (name) => {
      symlinkSync(whichReal(name), path.join(bin, name));
    },
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The program itself, not a launcher that looks at the path or at its own name. */
function whichReal(name: string): string {
  const asked = name.startsWith('python')
    ? spawnSync(name, ['-c', 'import sys; print(sys.executable)'])
    : spawnSync('which', [name]);
  return asked.stdout.toString().trim();
}

/** A `python3` whose pip runs `download` (the destination folder is "$dest") and which else is the real Python. */
export function pythonWithPip(machine: FakeMachine, download: string): void {
  const python = whichReal('python3');
  machine.script(
    'python3',
    `if [ "$1 $2" != "-m pip" ]; then exec ${python} "$@"; fi
if [ "$3" = "--version" ]; then echo "pip 23.0"; exit 0; fi
while [ $# -gt 0 ]; do if [ "$1" = "--dest" ]; then dest="$2"; fi; shift; done
${download}`,
  );
}

export const WHEEL_NAME = 'tensorflow_cpu-2.21.0-cp311-cp311-any.whl';

/** A wheel with a linkable library and one member that is not wanted, and the table row that pins it. */
export function smallWheel(folder: string): { readonly file: string; readonly set: WheelSet } {
  const file = path.join(folder, WHEEL_NAME);
  const library = path.join(folder, 'libtensorflow_framework.so.2');
  writeFileSync(path.join(folder, 'empty.cc'), 'extern "C" int answer() { return 42; }\n');
  must(
    spawnSync('g++', [
      '-shared',
      '-fPIC',
      '-Wl,-soname,libtensorflow_framework.so.2',
      path.join(folder, 'empty.cc'),
      '-o',
      library,
    ]),
  );
  const zip = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.write(sys.argv[2], "tensorflow/libtensorflow_framework.so.2")
    z.writestr("tensorflow/python/unwanted.py", "")
    z.writestr("tensorflow/include/tsl/platform/present.h", "#define PRESENT 1\\n")`;
  must(spawnSync('python3', ['-c', zip, file, library]));
  const wheel = {
    requirement: 'tensorflow-cpu==2.21.0',
    platform: 'any',
    file: WHEEL_NAME,
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
    bytes: 1000,
    unpackedBytes: 10_000,
    members: ['tensorflow/libtensorflow_', 'tensorflow/include/tsl/platform/'],
  };
  return { file, set: { wheels: [wheel], libraries: ['libtensorflow_framework.so.2'] } };
}

function must({ status, stderr }: { status: number | null; stderr: Buffer }): void {
  if (status !== 0) throw new Error(stderr.toString());
}

const ADDON = `#include <node_api.h>
#include "tsl/platform/present.h"
extern "C" int answer();
NAPI_MODULE_INIT() {
  napi_value version;
  napi_create_string_utf8(env, answer() == 42 ? "2.21.0" : "wrong", NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "TF_Version", version);
  return exports;
}
`;

/** A package whose addon only tells a version, which it has from the wheel's library. */
export function smallSources(folder: string, addon = ADDON): BindingSources {
  const binding = path.join(folder, 'package', 'binding');
  mkdirSync(binding, { recursive: true });
  writeFileSync(path.join(binding, 'tfjs_backend.cc'), '\n');
  writeFileSync(path.join(binding, 'tfjs_binding.cc'), addon);
  const headers = path.dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  return { package: path.join(folder, 'package'), napiHeaders: path.join(headers, 'include') };
}
