/** Builds what the target typescript makes, as strictly as tsc can, beside code of a user. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '../..');
const run = promisify(execFile);

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022'],
    types: [],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    outDir: 'built',
    rootDir: '.',
  },
};

/**
 * @param files path → text; those of a user, too
 * @returns the folder with the code, to be imported
 */
export async function buildTypescript(
  directory: string,
  files: ReadonlyMap<string, string>,
): Promise<string> {
  for (const [name, text] of [
    ...files,
    ['tsconfig.json', JSON.stringify(TSCONFIG)],
    ['package.json', '{ "type": "module" }'],
  ] as const) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '--project', directory]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
  return path.join(directory, 'built');
}
