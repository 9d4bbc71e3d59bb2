import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { lastTellingLine, runCommand } from '../native/command.ts';
import type { CommandResult, Environment } from '../native/command.ts';

/** Why WebGPU does not serve and what to do about it: one sentence each. */
export interface WebgpuUnavailable {
  readonly status: 'unavailable';
  readonly code: 'package-absent' | 'does-not-load' | 'no-adapter' | 'software-adapter' | 'no-device';
  readonly reason: string;
  readonly cure: string;
}

/** The adapter that Dawn gives first: the most powerful one that the machine's drivers offer. */
export interface WebgpuAdapter {
  readonly status: 'found';
  /** The device's name and what else its driver says of itself. */
  readonly name: string;
  /** Whether the processor computes in the GPU's place (SwiftShader, llvmpipe, WARP). */
  readonly software: boolean;
}

/** What the WebGPU standard and Dawn say of an adapter; drivers leave strings empty as they like. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** Names of software adapters, for drivers that do not mark themselves as a fallback. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/**
 * Prints the first adapter's facts as the last line, or `null`. Dawn's own lines come before it: what they say of
 * Vulkan's loader and drivers is the reason where there is no adapter.
 */
const PROBE_PROGRAM = `
const { create } = await import(process.argv[1]);
const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' });
const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {};
console.log(JSON.stringify(adapter && { vendor, architecture, device, description, isFallbackAdapter }));
`;

/** Of Dawn's module, what is asked. */
interface Dawn {
  readonly create: (flags: readonly string[]) => {
    requestAdapter(options: { readonly powerPreference: string }): Promise<{ readonly info: AdapterInfo } | null>;
  };
}

const requirePackage = createRequire(import.meta.url);

/** Where the optional package `name` begins; null where it is not installed. */
export function findOptionalPackage(name: string): string | null {
  try {
    return requirePackage.resolve(name);
  } catch {
    return null;
  }
}

/** A utility process of Electron's, where the engine is: the packed application's fuses let nobody start Node from there. */
const isUtilityProcess = 'parentPort' in process;

/**
 * Asks Dawn for an adapter in a process of its own: a faulty driver may end that process, and what the loaders of
 * drivers print goes nowhere but into the reason. Where no such process can be had, in this one, which is the engine's.
 */
export async function findWebgpuAdapter(
  env: Environment = process.env,
  find: (name: string) => string | null = findOptionalPackage,
  inThisProcess: boolean = isUtilityProcess,
): Promise<WebgpuAdapter | WebgpuUnavailable> {
  const dawn = find('webgpu');
  const absent = [dawn === null ? 'webgpu' : null, find(BACKEND_PACKAGE) === null ? BACKEND_PACKAGE : null];
  const missing = absent.find((name) => name !== null);
  if (dawn === null || missing !== undefined) {
    return webgpuUnavailable('package-absent', `The optional package ${missing} is absent.`);
  }
  const address = pathToFileURL(dawn).href;
  if (inThisProcess) return adapterFrom(await probeHere(address));
  const program = ['--input-type=module', '-e', PROBE_PROGRAM, address];
  return adapterFrom(await runCommand([process.execPath], program, { ...env, ELECTRON_RUN_AS_NODE: '1' }));
}

/** As the program does, whose text nothing can be shared with: a bundler would rewrite it. */
async function probeHere(address: string): Promise<CommandResult> {
  const ended = { signal: null, missing: false };
  try {
    const dawn = (await import(address)) as Dawn;
    const adapter = await dawn.create([]).requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) return { ...ended, status: 0, output: 'null' };
    const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
    const facts = { vendor, architecture, device, description, isFallbackAdapter };
    return { ...ended, status: 0, output: JSON.stringify(facts) };
  } catch (error) {
    return { ...ended, status: 1, output: String(error) };
  }
}

export const BACKEND_PACKAGE = '@tensorflow/tfjs-backend-webgpu';

/** The adapter, or why there is none, from what the probe printed. */
export function adapterFrom({ status, signal, output }: CommandResult): WebgpuAdapter | WebgpuUnavailable {
  if (signal !== null) {
    return webgpuUnavailable('does-not-load', `Dawn was ended by ${signal} while it looked for an adapter.`);
  }
  if (status !== 0) {
    return webgpuUnavailable('does-not-load', `Dawn does not load here: ${lastTellingLine(output, ['Error'])}`);
  }
  const info = printedInfo(output);
  if (info === undefined) {
    return webgpuUnavailable('does-not-load', `Dawn said nothing of adapters: ${lastTellingLine(output, ['Error'])}`);
  }
  if (info !== null) return { status: 'found', name: nameOf(info), software: isSoftware(info) };
  if (output.includes("Couldn't load Vulkan")) {
    return webgpuUnavailable('no-adapter', 'No GPU was found: there is no Vulkan loader.', LOADER_CURE);
  }
  return webgpuUnavailable('no-adapter', 'No GPU was found: no graphics driver offers one.');
}

/** What the probe printed; undefined where it did not come to that, though it ended with 0. Loaders of drivers print before and after it. */
function printedInfo(output: string): AdapterInfo | null | undefined {
  for (const line of output.trimEnd().split('\n').reverse()) {
    try {
      return JSON.parse(line) as AdapterInfo | null;
    } catch {
      // A line of somebody else.
    }
  }
  return undefined;
}

function nameOf({ vendor, architecture, device, description }: AdapterInfo): string {
  return [description, device, architecture, vendor].find((text) => text !== '') ?? 'name not known';
}

function isSoftware(info: AdapterInfo): boolean {
  return info.isFallbackAdapter || SOFTWARE.test(`${info.architecture} ${info.device} ${info.description}`);
}

const LOADER_CURE =
  "Install the Vulkan loader (Debian: apt install libvulkan1) and the Vulkan driver of the GPU's vendor.";

const CURES: Readonly<Record<WebgpuUnavailable['code'], string>> = {
  'package-absent': 'Run npm ci without --omit=optional.',
  'does-not-load': "Use Linux (glibc), macOS or Windows on x86-64 or ARM64, and update the GPU's driver.",
  'no-adapter': "Install the GPU's driver with Vulkan (Debian, but for NVIDIA: apt install mesa-vulkan-drivers).",
  'software-adapter': "Install the GPU's driver, or set PTW_BACKEND=webgpu to compute with the software adapter.",
  'no-device': "Update the GPU's driver.",
};

/** @param reason One sentence, ending with a full stop. @param cure Where the usual cure does not fit. */
export function webgpuUnavailable(
  code: WebgpuUnavailable['code'],
  reason: string,
  cure: string = CURES[code],
): WebgpuUnavailable {
  return { status: 'unavailable', code, reason, cure };
}
