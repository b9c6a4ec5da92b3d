/** A small part of what `npm run test:faults` does; docs/reliability.md describes all of it. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCampaign } from './campaign.js';
import { PLANTS } from './capture/planted.js';
import { Host } from './command.js';
import type { Fault } from './fault.js';
import { runFuzz } from './fuzz.js';
import { Random } from './random.js';
import { SCENARIOS } from './scenarios.js';
import { FaultServer } from './server.js';
import { prepareScenario, runTrial } from './trial.js';

const REPOSITORY = path.join(import.meta.dirname, '../..');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'edp-faults-'));
});
afterAll(() => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

const findScenario = (name: string) => SCENARIOS.find((scenario) => scenario.name === name)!;
const say = () => {};

describe('under faults', () => {
  it('everything is there once, whatever fails', { timeout: 300_000 }, async () => {
    const names = ['plain', 'rejects', 'bulk', 'replay', 'undo', 'promote'];
    const { trials, bad } = await runCampaign({
      directory,
      seed: 20_241,
      count: 50,
      atOnce: 2,
      deadline: Date.now() + 150_000,
      only: undefined,
      scenarios: names.map(findScenario),
      say,
    });
    expect(bad).toEqual([]);
    const made = trials.flatMap(({ faults }) => faults.map((fault) => fault.made));
    expect(made.filter((count) => count > 0).length).toBeGreaterThan(10);
  });

  describe('of a certain kind', () => {
    let server: FaultServer;
    let hosts: Host[];
    beforeAll(async () => {
      server = await FaultServer.create();
      hosts = [0, 1, 2, 3].map((i) => new Host(path.join(directory, `rules-test-${i}`)));
    });
    afterAll(async () => {
      for (const host of hosts) host.close();
      await server.remove();
    });

    const crash = (at: number): Fault => ({ kind: 'stop server at once', at, isBackSoon: true });
    it.each<{ name: string; scenario: string; faults: Fault[] }>([
      {
        name: 'four commands on the same twenty files, one of them killed',
        scenario: 'four at once',
        faults: [{ kind: 'kill client', at: 0.6 }],
      },
      ...[0.4, 0.6, 0.8].map((at) => ({
        name: `a server that crashes after ${at * 100} % and is back at once: nothing commits behind what it lost`,
        scenario: 'skip',
        faults: [crash(at)],
      })),
      {
        name: 'a server that crashes during an undo: what it took back is removed again',
        scenario: 'undo',
        faults: [crash(0.7)],
      },
      {
        name: 'an answer to a commit that gets lost: the receipt tells',
        scenario: 'plain',
        faults: [
          {
            kind: 'failpoint',
            point: 'split.acknowledged',
            action: 'lose',
            hit: 2,
            companion: undefined,
          },
        ],
      },
      {
        name: 'the run’s own session is lost while splits wait for each other: it ends, the next goes on',
        scenario: 'skip',
        faults: [
          {
            kind: 'failpoint',
            point: 'claim.committed',
            action: 'terminate',
            hit: 1,
            companion: undefined,
          },
        ],
      },
    ])('$name', { timeout: 180_000 }, async ({ scenario, faults }) => {
      const random = new Random(1);
      const prepared = await prepareScenario(findScenario(scenario), server, directory, hosts);
      const result = await runTrial(prepared, faults, { random, disk: undefined, hosts });
      expect(result).toMatchObject({ lost: 0, repeated: 0, altered: 0, problems: [] });
    });
  });

  it('any file ends a run in order, each record accounted for', { timeout: 300_000 }, async () => {
    const { problems, inputs, failed } = await runFuzz({
      directory,
      inputs: 1000,
      seed: 7,
      deadline: Date.now() + 120_000,
      say,
    });
    expect(problems).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(400);
    expect(failed).toBeLessThan(inputs);
  });
});

describe('failpoints', () => {
  it('do nothing in a package, which has no tests', async () => {
    const { files } = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      files: string[];
    };
    expect(files.filter((name) => /^(\.|\*|tests)/.test(name))).toEqual([]);
    const home = await mkdtemp(path.join(directory, 'package-'));
    await cp(path.join(REPOSITORY, 'dist'), path.join(home, 'dist'), { recursive: true });
    await symlink(path.join(REPOSITORY, 'node_modules'), path.join(home, 'node_modules'));
    await writeFile(path.join(home, 'package.json'), '{"type": "module"}');
    process.env.EDP_FAILPOINTS = 'split.begun=error,bulk.min_bytes:=1';
    try {
      const module = await import(pathToFileURL(path.join(home, 'dist/dev/internals.js')).href);
      expect(module.failpoint('split.begun')).toBeUndefined();
      expect(module.tunable('bulk.min_bytes', 7)).toBe(7);
    } finally {
      delete process.env.EDP_FAILPOINTS;
    }
  });
});

it.each(PLANTS)('the fault can still be planted: $name', async ({ edits }) => {
  for (const { file, find } of edits) {
    const text = await readFile(path.join(REPOSITORY, file), 'utf8');
    expect(text.split(find).length - 1, `${file}: ${find}`).toBe(1);
  }
});
