// Sets up native TensorFlow in the per-user cache; also imported by postinstall. It never fails: what a machine lacks
// is said in two lines and the wasm backend serves.
import { installTensorFlow } from '../src/main/engine/native/install.ts';

const outcome = await installTensorFlow({
  env: process.env,
  log: (line) => {
    console.log(line);
  },
});
if (outcome.status === 'ready') {
  const { version, variant } = outcome.marker;
  console.log(`Native TensorFlow ${version} (${variant}) is ready${outcome.fresh ? '' : ', already set up'}.`);
} else {
  console.log(`Native TensorFlow is not set up: ${outcome.reason}`);
  console.log(outcome.cure);
}
