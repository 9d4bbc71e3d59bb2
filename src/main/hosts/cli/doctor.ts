/** Which backend serves, on what, and the cure for each that does not. */
export async function printDoctor(json: boolean): Promise<void> {
  // Loading a backend takes a second, which no other command should pay.
  const { inspect } = await import('../../workbench/doctor.ts');
  const report = await inspect();
  const print = (text: string): boolean => process.stdout.write(`${text}\n`);
  if (json) {
    print(JSON.stringify(report, null, 2));
    return;
  }
  const { serving, versions, processor, cache, engines, keptDraws } = report;
  print(`Backend:    ${serving.name}${versions.tensorflow === null ? '' : ` (TensorFlow ${versions.tensorflow})`}`);
  print(`Devices:    ${serving.devices.join(', ')}`);
  print(`Threads:    ${serving.threads}`);
  print(`Processes:  ${engines}`);
  print(`SIMD:       ${serving.simd.join(', ') || 'none'}`);
  print(`Processor:  ${processor.name} (${processor.vectorSets.join(', ')})`);
  print(`Versions:   Node ${versions.node}, TensorFlow.js ${versions.tfjs}`);
  print(`Cache:      ${cache.folder} (${(cache.bytes / 1e6).toFixed(0)} MB)`);
  print(
    `Kept draws: ${keptDraws.folder} (${megabytes(keptDraws.bytes)} of at most ${megabytes(keptDraws.limit)}; PTW_CACHE_MB sets it)`,
  );
  for (const { backend, reason, cure } of serving.notChosen) print(`\nNot ${backend}: ${reason}\n  ${cure}`);
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
