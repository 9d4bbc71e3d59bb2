// Runs after `npm ci`. Installing the native engine is a convenience: whatever goes wrong here, npm succeeds
// and the wasm backend serves.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error('Native TensorFlow is not set up now (this step needs Node 24); run: npm run setup:tensorflow');
} else {
  try {
    await import('./setup-tensorflow.ts');
  } catch (error) {
    console.error(`Native TensorFlow is not set up: ${error instanceof Error ? error.message : String(error)}`);
  }
}
