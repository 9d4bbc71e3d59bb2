// Opens the workbench of a folder, says "open" or the sentence that refuses it, and keeps it open until its input ends.
import { openWorkbench } from '../../src/main/workbench/api/workbenchApi.ts';

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
try {
  const workbench = openWorkbench(process.argv[2]);
  say('open');
  process.stdin.resume();
  process.stdin.once('end', () => void workbench.close().then(() => process.exit(0)));
} catch (error) {
  say((error as Error).message);
}
