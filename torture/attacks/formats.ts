// Damaged and hostile files of what this program reads beside data sets in their own formats (whose readers have 20,000 mutants each in
// test/data): weights, configs, studies, folders of images. ONNX is only written. Must hold: a typed error or a value, within seconds and
// bounded memory, and nothing read that lies outside the folder that was chosen.
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encode } from 'fast-png';
import { DataError } from '../../src/main/data/dataError.ts';
import { openDataset } from '../../src/main/data/openDataset.ts';
import { WeightsError } from '../../src/main/engine/weights/safetensors.ts';
import {
  decodeCheckpoint,
  decodeExtractor,
  decodeHead,
  encodeExtractor,
  encodeHead,
} from '../../src/main/workbench/artefactCodec.ts';
import { contradictions } from '../../src/main/workbench/checkConfig.ts';
import { BadInput } from '../../src/main/workbench/errors.ts';
import { parseConfig } from '../../src/main/workbench/loadConfig.ts';
import { presetDocument } from '../../src/main/workbench/presets.ts';
import { expandStudy } from '../../src/main/workbench/studies/expandStudy.ts';
import { loadStudy, parseStudy } from '../../src/main/workbench/studies/loadStudy.ts';
import type { HeadWeights } from '../../src/shared/results.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { Choices } from '../choices.ts';
import { mutated } from '../malformed.ts';

const MOST_SECONDS = 5;
const MOST_GROWTH = 1 << 30;

export const formats: Attack = {
  name: 'formats',
  title: 'damaged weights, configs, studies and folders are refused in bounds',
  count: 20_000,
  async run({ seed, count, say }, tally) {
    const before = process.memoryUsage().rss;
    for (const [name, attempt] of Object.entries(FORMATS)) {
      const choices = new Choices(seed, 'formats', name);
      // A folder takes a hundred files.
      const times = name === 'folder of images' ? Math.ceil(count / 20) : count;
      for (let i = 0; i < times; i++) tryOne(name, () => attempt(choices, tally), tally);
      say(`${name}: ${times} mutants`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const growth = process.memoryUsage().rss - before;
    if (growth > MOST_GROWTH) tally.violation(`memory grew by ${growth} bytes`);
  },
};

function tryOne(name: string, attempt: () => void, tally: Tally): void {
  const began = performance.now();
  try {
    attempt();
    tally.add(`${name}: read`);
  } catch (error) {
    const isTyped = error instanceof BadInput || error instanceof DataError || error instanceof WeightsError;
    if (isTyped) tally.add(`${name}: ${error.name}`);
    else
      tally.violation(
        `${name}: ${error instanceof Error ? (error.stack ?? error.message).slice(0, 400) : String(error)}`,
      );
    if (isTyped && error.message.length > 200_000)
      tally.violation(`${name}: a message of ${error.message.length} letters`);
  }
  const seconds = (performance.now() - began) / 1000;
  if (seconds > MOST_SECONDS) tally.violation(`${name}: ${seconds.toFixed(1)} s`);
}

// --- weights ---------------------------------------------------------------------------------------------------------

const HEAD: HeadWeights = {
  constraint: 'wn',
  bound: 1,
  groupSize: 2,
  layers: [
    { inputs: 4, outputs: 4, weight: new Float32Array(16).fill(0.5), bias: new Float32Array(4) },
    { inputs: 4, outputs: 3, weight: new Float32Array(12).fill(0.25), bias: new Float32Array(3) },
  ],
};
const WEIGHTS = [
  { bytes: encodeHead(HEAD), decode: decodeHead },
  {
    bytes: encodeExtractor({ extractor: { stem: { shape: [2, 2], data: new Float32Array(4) } }, head: HEAD }),
    decode: decodeExtractor,
  },
  { bytes: encodeHead(HEAD), decode: decodeCheckpoint },
] as const;

/** Bytes flipped, cut or added, or the header written anew around one change in it. */
function weights(choices: Choices): void {
  const { bytes, decode } = choices.of(WEIGHTS);
  decode(choices.uniform() < 0.5 ? damaged(bytes, choices) : reheaded(bytes, choices));
}

function damaged(bytes: Uint8Array, choices: Choices): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let flips = choices.below(6); flips >= 0; flips--) copy[choices.below(copy.length)] = choices.below(256);
  const roll = choices.uniform();
  if (roll < 0.2) return copy.subarray(0, choices.below(copy.length));
  if (roll < 0.3) return Uint8Array.from([...copy, ...copy.subarray(0, choices.below(50))]);
  if (roll < 0.4)
    new DataView(copy.buffer).setBigUint64(
      0,
      choices.of([0n, 2n ** 63n, 2n ** 64n - 1n, 99_999_999n, BigInt(copy.length)]),
      true,
    );
  return copy;
}

function reheaded(bytes: Uint8Array, choices: Choices): Uint8Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Record<string, unknown>;
  const metadata = header['__metadata__'] as Record<string, string>;
  if (choices.uniform() < 0.3 && 'head' in metadata) {
    // Facts that are JSON and wrong: layers by the billion, no constraint, another shape.
    metadata['head'] = JSON.stringify(
      choices.of<unknown>([mutated(JSON.parse(metadata['head']), choices), { layers: 1e9 }, { layers: -1 }]),
    );
  }
  const text = Buffer.from(JSON.stringify(choices.uniform() < 0.7 ? mutated(header, choices) : header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(Buffer.concat([size, text, bytes.subarray(8 + length)]));
}

// --- configs and studies ---------------------------------------------------------------------------------------------

const DEMO = presetDocument('demo');
const MINI = loadStudy('mini').document;

function manyTimes(document: unknown, choices: Choices): unknown {
  let changed = document;
  for (let times = choices.below(3); times >= 0; times--) changed = mutated(changed, choices);
  return changed;
}

function config(choices: Choices): void {
  // A folder that a mutant names must not be gone through for minutes: none of ours is anywhere.
  contradictions(parseConfig(manyTimes(DEMO, choices), 'a mutant'), () => null);
}

function study(choices: Choices): void {
  expandStudy(parseStudy(manyTimes(MINI, choices), 'a mutant').study);
}

// --- folders of images -----------------------------------------------------------------------------------------------

const SIDE = 6;
const OUTSIDE_LEVEL = 251;
const level = (value: number): Uint8Array =>
  encode({ width: SIDE, height: SIDE, channels: 1, depth: 8, data: new Uint8Array(SIDE * SIDE).fill(value) });

let made: { readonly folder: string; readonly around: string } | null = null;

/** A sound folder, and beside it an image that nobody asked for. */
function original(): { readonly folder: string; readonly around: string } {
  if (made !== null) return made;
  const around = emptyFolder();
  const folder = path.join(around, 'chosen');
  for (const part of ['train', 'test']) {
    for (const [label, name] of ['cat', 'dog', 'emu'].entries()) {
      mkdirSync(path.join(folder, part, name), { recursive: true });
      for (let i = 0; i < 10; i++) writeFileSync(path.join(folder, part, name, `${i}.png`), level(10 * label + i));
    }
  }
  mkdirSync(path.join(around, 'outside'));
  writeFileSync(path.join(around, 'outside', '9.png'), level(OUTSIDE_LEVEL));
  made = { folder, around };
  return made;
}

const NAMES = [
  '..',
  '.',
  '\u202egnp.exe',
  'ä'.repeat(60),
  ' ',
  '-rf',
  'con',
  'a\nb',
  '$(x)',
  '%2e%2e',
  'Thumbs.db',
  '.hidden',
  '__proto__',
];

function imageFolder(choices: Choices, tally: Tally): void {
  const { folder, around } = original();
  const copy = path.join(around, 'copy');
  cpSync(folder, copy, { recursive: true });
  try {
    for (let times = choices.below(3); times >= 0; times--) mutateFolder(copy, { around, choices });
    const data = openDataset({ folder: copy });
    const values = [data.train, data.test].flatMap(({ images }) => [...images]);
    if (values.includes(OUTSIDE_LEVEL)) tally.violation('folder of images: an image outside was read');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function mutateFolder(copy: string, { around, choices }: { readonly around: string; readonly choices: Choices }): void {
  const part = choices.of(['train', 'test']);
  const classes = readdirSync(path.join(copy, part));
  const inClass = path.join(copy, part, choices.of(classes));
  const file = path.join(inClass, `${choices.below(10)}.png`);
  const name = choices.of(NAMES);
  const quietly = (act: () => void): void => {
    try {
      act();
    } catch {
      // The file system refused, or an earlier change took the place away.
    }
  };
  quietly(
    choices.of([
      () => writeFileSync(file, damaged(level(40), choices)),
      () => writeFileSync(file, Buffer.from(Array.from({ length: choices.below(300) }, () => choices.below(256)))),
      () => writeFileSync(path.join(inClass, `${name}.png`), level(60)),
      () => writeFileSync(path.join(inClass, name), 'text'),
      () => mkdirSync(path.join(copy, part, name)),
      () => renameSync(inClass, path.join(copy, part, name)),
      () => rmSync(inClass, { recursive: true }),
      () => {
        rmSync(file);
        symlinkSync(path.join(around, 'outside', '9.png'), file);
      },
      () => symlinkSync(path.join(around, 'outside'), path.join(copy, part, 'fox')),
      () => symlinkSync(copy, path.join(inClass, 'loop')),
      () => symlinkSync('/dev/zero', path.join(inClass, 'zero.png')),
      () => mkdirSync(path.join(inClass, 'deep.png')),
    ]),
  );
}

const FORMATS: Readonly<Record<string, (choices: Choices, tally: Tally) => void>> = {
  weights,
  config,
  study,
  'folder of images': imageFolder,
};
