import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adapterFrom, findWebgpuAdapter } from '../../../src/main/engine/backends/webgpuAdapter.ts';
import type { AdapterInfo } from '../../../src/main/engine/backends/webgpuAdapter.ts';
import type { CommandResult } from '../../../src/main/engine/native/command.ts';

function probe(output: string, end: Partial<CommandResult> = {}): CommandResult {
  return { status: 0, signal: null, missing: false, output, ...end };
}

function printed(info: Partial<AdapterInfo>): CommandResult {
  const empty = { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false };
  return probe(`Warning: some layer is missing\n${JSON.stringify({ ...empty, ...info })}\n`);
}

describe('looking for an adapter', () => {
  it.each(['webgpu', '@tensorflow/tfjs-backend-webgpu'])('says that the package %s is absent', async (absent) => {
    const found = await findWebgpuAdapter({}, (name) => (name === absent ? null : '/somewhere'));
    expect(found).toMatchObject({
      code: 'package-absent',
      reason: `The optional package ${absent} is absent.`,
      cure: 'Run npm ci without --omit=optional.',
    });
  });

  describe.each([
    ['in a process of its own', false],
    ['in the process that asks', true],
  ])('%s', (_, inThisProcess) => {
    const ask = (source: string): ReturnType<typeof findWebgpuAdapter> => {
      const dawn = path.join(mkdtempSync(path.join(tmpdir(), 'ptw-dawn-')), 'dawn.mjs');
      onTestFinished(() => rmSync(path.dirname(dawn), { recursive: true }));
      writeFileSync(dawn, source);
      return findWebgpuAdapter(process.env, (name) => (name === 'webgpu' ? dawn : '/somewhere'), inThisProcess);
    };

    it('is told of the adapter', async () => {
      const info = { vendor: 'v', architecture: 'a', device: 'A card', description: '', isFallbackAdapter: false };
      const found = await ask(
        `export const create = (flags) => ({ requestAdapter: async (options) => options.powerPreference === 'high-performance' ? { info: ${JSON.stringify(info)} } : null });`,
      );
      expect(found).toEqual({ status: 'found', name: 'A card', software: false });
    });

    it('is told that there is none, and that Dawn does not load', async () => {
      expect(await ask('export const create = () => ({ requestAdapter: async () => null });')).toMatchObject({
        code: 'no-adapter',
      });
      expect(await ask("throw new Error('for another system');")).toMatchObject({
        code: 'does-not-load',
        reason: expect.stringContaining('for another system') as string,
      });
    });
  });

  it.each([
    ['Dawn crashes', probe('', { status: null, signal: 'SIGSEGV' }), 'does-not-load', /ended by SIGSEGV/],
    [
      'the addon is for another system',
      probe('node:internal\nError: cannot open shared object\n    at x\n', { status: 1 }),
      'does-not-load',
      /Error: cannot open shared object/,
    ],
    [
      'there is no Vulkan',
      probe("Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open\n    at y\nnull\n"),
      'no-adapter',
      /no Vulkan loader/,
    ],
    [
      'there is no driver',
      probe('Warning: vkCreateInstance: Found no drivers!\nnull\n'),
      'no-adapter',
      /no graphics dr/,
    ],
    [
      'a warning comes after the answer, as two streams do',
      probe("null\nWarning: Couldn't load Vulkan: libvulkan.so.1: cannot open\n    at operator()\n"),
      'no-adapter',
      /no Vulkan loader/,
    ],
    ['nothing is answered', probe('    at operator()\n'), 'does-not-load', /said nothing of adapters: at operator/],
  ] as const)('gives reason and cure where %s', (_, result, code, reason) => {
    const found = adapterFrom(result);
    expect(found).toMatchObject({ status: 'unavailable', code });
    expect(found).toHaveProperty('reason', expect.stringMatching(reason));
    expect(found).toHaveProperty('cure', expect.stringMatching(/\.$/));
  });

  it.each([
    [{ vendor: 'nvidia', description: 'NVIDIA H100' }, 'NVIDIA H100', false],
    [{ vendor: 'apple', architecture: 'metal-3' }, 'metal-3', false],
    [{}, 'name not known', false],
    [{ vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' }, undefined, true],
    [{ vendor: 'mesa', device: 'llvmpipe (LLVM 19)' }, undefined, true],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, undefined, true],
    [{ vendor: 'x', description: 'New software device', isFallbackAdapter: true }, undefined, true],
    [{ vendor: 'y', description: 'Warpath 9000' }, undefined, false],
  ])('knows %j', (info, name, software) => {
    const found = adapterFrom(printed(info));
    expect(found).toMatchObject({ status: 'found', software });
    if (name !== undefined) expect(found).toHaveProperty('name', name);
  });
});
