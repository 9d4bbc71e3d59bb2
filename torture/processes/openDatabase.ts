// Opens a folder's store and says how it went, as a host would: "opened" or the sentence.
import { openStore } from '../../src/main/store/store.ts';

const started = performance.now();
try {
  openStore(process.argv[2], { readonly: process.argv[3] === 'readonly' }).close();
  process.stdout.write(`opened\t${Math.round(performance.now() - started)}\n`);
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  process.stdout.write(`${String(code)}\t${Math.round(performance.now() - started)}\t${message}\n`);
}
