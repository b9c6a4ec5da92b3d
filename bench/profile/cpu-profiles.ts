/** The .cpuprofile files that `node --cpu-prof` writes, one a thread → where each thread's time went. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** As V8 writes it. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ThreadProfile {
  /** `main`, or the number of the worker. */
  readonly thread: string;
  /** Time in which the thread did anything. */
  readonly busySeconds: number;
  /** Time spent in each function itself, the most first. */
  readonly functions: readonly { readonly name: string; readonly seconds: number }[];
}

export async function readProfiles(directory: string): Promise<ThreadProfile[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  return Promise.all(
    files.sort().map(async (name) => {
      const profile = JSON.parse(await readFile(path.join(directory, name), 'utf8')) as CpuProfile;
      // CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
      const thread = name.split('.')[4];
      return summarise(thread === '0' ? 'main' : `worker ${thread}`, profile);
    }),
  );
}

function summarise(thread: string, { nodes, samples, timeDeltas }: CpuProfile): ThreadProfile {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameFrame(callFrame)]));
  const micros = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id)!;
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[index]!);
  });
  micros.delete('(idle)');
  const functions = [...micros]
    .map(([name, time]) => ({ name, seconds: time / 1e6 }))
    .sort((a, b) => b.seconds - a.seconds);
  return {
    thread,
    busySeconds: functions.reduce((sum, { seconds }) => sum + seconds, 0),
    functions,
  };
}

function nameFrame({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.replace(/^.*\/(dist|node_modules)\//, '').replace(/^file:.*\//, '');
  return `${name} ${place}:${lineNumber + 1}`;
}
