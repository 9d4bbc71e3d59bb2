// `npm run bench:setup`: the Python environment that `npm run bench` compares with. The product never needs it.
import { spawnSync } from 'node:child_process';
import { environmentFolder, pythonOf, REQUIREMENTS } from './python.ts';

const folder = environmentFolder();
const python = process.env['PYTHON'] ?? (process.platform === 'win32' ? 'py' : 'python3');

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (status === 0) return;
  console.error(
    `Setting up the reference: ${[program, ...args].join(' ')}: ${error?.message ?? `exit status ${status ?? 'none'}`}. ` +
      'It needs Python 3.11 or newer with venv, and pip with a package index; PYTHON names another Python.',
  );
  process.exit(1);
}

console.log(`Setting up the reference in ${folder}.`);
run(python, ['-m', 'venv', folder]);
run(pythonOf(folder), ['-m', 'pip', 'install', '--disable-pip-version-check', '--requirement', REQUIREMENTS]);
console.log('The reference is ready.');
