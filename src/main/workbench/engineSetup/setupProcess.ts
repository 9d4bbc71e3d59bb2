// Entry point: sets native TensorFlow up in the per-user cache, line by line to the host. It starts no process of ours itself, because
// Electron's utility processes cannot: whether the addon loads is tried by the host.
import { installTensorFlow } from '../../engine/native/install.ts';
import type { SetupMessage, TryAnswer } from './setupMessages.ts';

const tell = (message: SetupMessage): boolean => process.send!(message);

const outcome = await installTensorFlow({
  env: process.env,
  log: (line) => void tell({ kind: 'line', line }),
  tryToLoad: (binding) =>
    new Promise((resolve) => {
      process.once('message', (answer: TryAnswer) => resolve(answer.problem));
      tell({ kind: 'try', binding });
    }),
});
tell({ kind: 'outcome', outcome });
process.disconnect();
