/** Builds what the targets proto and kotlin make, by protoc, javac and Kotlin's own compiler. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Catalogue } from '../../src/codegen/catalogue.js';
import { kotlin } from '../../src/codegen/targets/kotlin/kotlin.js';
import { proto } from '../../src/codegen/targets/proto/proto.js';
import { findTool } from '../support/tools.js';

const TOOLS = path.join(import.meta.dirname, '../../.ci/tools/java');
const LIBS = path.join(TOOLS, 'libs');
const run = promisify(execFile);

/** Undefined where all is there. */
export const LACKS_KOTLIN = ['java', 'javac'].some((name) => findTool(name) === undefined)
  ? 'no JDK'
  : ['bin/protoc', 'bin/protoc-gen-grpc-java', 'bin/protoc-gen-grpc-kotlin.jar', 'libs'].some(
        (name) => !existsSync(path.join(TOOLS, name)),
      )
    ? "no Kotlin's compiler, gRPC or protoc"
    : undefined;

/** The libraries of a service; the compiler is none of them. */
function libraries(isWanted: (jar: string) => boolean): string {
  const jars = readdirSync(LIBS).filter(isWanted);
  return jars.map((jar) => path.join(LIBS, jar)).join(path.delimiter);
}

const isOfCompiler = (jar: string) => /^kotlin-(compiler|daemon|script)|^trove4j/.test(jar);

async function call(command: string, args: readonly string[]): Promise<void> {
  await run(command, args, { maxBuffer: 64 * 1024 * 1024 }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`${path.basename(command)}: ${`${stdout}${stderr}`.slice(0, 8000)}`);
    },
  );
}

async function filesIn(directory: string, ending: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  return names.filter((name) => name.endsWith(ending)).map((name) => path.join(directory, name));
}

/** Arguments in a file: there may be more than a command line can have. */
async function argumentsFile(directory: string, args: readonly string[]): Promise<string> {
  const file = path.join(directory, 'arguments');
  await writeFile(file, args.map((arg) => `"${arg.replaceAll('\\', '\\\\')}"\n`).join(''));
  return `@${file}`;
}

/**
 * @param own further files of Kotlin
 * @returns the class path of what was built
 */
export async function buildKotlin(
  directory: string,
  catalogue: Catalogue,
  own: readonly string[] = [],
): Promise<string> {
  const place = (name: string) => path.join(directory, name);
  for (const target of [proto, kotlin]) {
    for (const { path: name, text } of target.generate(catalogue)) {
      await mkdir(path.dirname(place(name)), { recursive: true });
      await writeFile(place(name), text);
    }
  }
  for (const folder of ['stubs', 'classes']) await mkdir(place(folder));
  const plugin = place('protoc-gen-grpckt');
  const jar = path.join(TOOLS, 'bin/protoc-gen-grpc-kotlin.jar');
  await writeFile(plugin, `#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -jar '${jar}'\n`, {
    mode: 0o755,
  });
  await call(path.join(TOOLS, 'bin/protoc'), [
    `--plugin=protoc-gen-grpc-java=${path.join(TOOLS, 'bin/protoc-gen-grpc-java')}`,
    `--plugin=protoc-gen-grpckt=${plugin}`,
    ...['java', 'grpc-java', 'grpckt'].map((kind) => `--${kind}_out=${place('stubs')}`),
    `--proto_path=${place('proto')}`,
    ...(await filesIn(place('proto'), '.proto')),
  ]);
  const used = libraries((name) => !isOfCompiler(name));
  const java = await filesIn(place('stubs'), '.java');
  const options = ['-proc:none', '-nowarn', '-d', place('classes'), '-cp', used];
  await call('javac', [
    '-J-XX:TieredStopAtLevel=1',
    await argumentsFile(directory, [...options, ...java]),
  ]);
  const classes = `${used}${path.delimiter}${place('classes')}`;
  const sources = [...(await filesIn(place('stubs'), '.kt')), place('kotlin'), ...own];
  const compiler = ['-no-stdlib', '-no-reflect', '-jvm-target', '17', '-cp', classes];
  const args = [...compiler, '-d', place('classes'), ...sources];
  await call('java', [
    // What runs this briefly is not worth the second compiler of the JVM.
    '-XX:TieredStopAtLevel=1',
    '-cp',
    libraries(() => true),
    'org.jetbrains.kotlin.cli.jvm.K2JVMCompiler',
    await argumentsFile(directory, args),
  ]);
  return classes;
}
