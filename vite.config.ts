import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** The renderer's pages, the same for every host. What the policy of pages forbids (inline scripts and styles, data: modules) is not made. */
export default defineConfig({
  root: 'src/renderer',
  base: '/',
  plugins: [vue()],
  build: {
    outDir: '../../dist/renderer',
    emptyOutDir: true,
    target: 'chrome136',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
});
