// SPDX-License-Identifier: Apache-2.0
// The page is plain files: no inlined assets, no inline script or style, so that a strict CSP holds.
import { defineConfig } from 'vite';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
