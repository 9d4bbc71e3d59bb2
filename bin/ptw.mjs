#!/usr/bin/env node
// Starts the command line on a Node that runs TypeScript as it is: this one from 24 on, else the one that
// `npm ci` put into node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REQUIRED_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) {
  await import('../src/main/hosts/cli/main.ts');
} else {
  const bundled = ['../node_modules/node/bin/node', '../node_modules/node/bin/node.exe']
    .map((relative) => fileURLToPath(new URL(relative, import.meta.url)))
    .find((candidate) => existsSync(candidate));
  if (bundled === undefined) {
    console.error(
      `ptw needs Node ${REQUIRED_MAJOR} or later and this is ${process.version}; run "npm ci" here, which brings one along.`,
    );
    process.exit(1);
  }
  const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both processes; the child decides how to end, this one only reports it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
}
