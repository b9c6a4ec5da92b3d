/** `edp test`: rows that are given to tasks, and rows that are to come of them. */
import { EdpError, EXIT } from '../base/errors.js';
import { listNames, suggest } from '../base/nearest.js';
import { leaseEmbeddedServer } from '../postgres/embedded/embedded-server.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { readTestFile, readTestFiles } from '../project/test-files.js';
import type { Fixture, FixtureFault } from '../warehouse/fixtures/fixture.js';
import { readFixtures } from '../warehouse/fixtures/read-fixtures.js';
import { resolveFixture } from '../warehouse/fixtures/resolve-fixtures.js';
import {
  type FixtureResult,
  refuseFixtures,
  runFixtures,
  SETUP_FILE,
} from '../warehouse/fixtures/run-fixtures.js';
import type { Command } from './command.js';
import { secondsJson } from './shared/seconds-json.js';
import { printFixture, printFixtures, toTestJson } from './test-lines.js';

export const command: Command = {
  async run({ given, project, output, signal }) {
    const startedAt = performance.now();
    const { warehouse, model, directory } = await loadWarehouse(project.directory);
    const files = await readTestFiles(directory);
    const faults: FixtureFault[] = [];
    const all = files.flatMap(({ name, text }) => {
      const read = readFixtures(name, text);
      faults.push(...read.faults);
      return read.fixtures.flatMap((each) => resolveFixture(each, warehouse, faults) ?? []);
    });
    refuseFixtures(faults);
    const fixtures = select(all, given.names as string[]);
    const setup = await readTestFile(directory, SETUP_FILE);
    // Never the server with the data of the user.
    const lease = await leaseEmbeddedServer(directory);
    let results: FixtureResult[];
    try {
      results = await runFixtures(
        { client: lease.client, label: 'the embedded server' },
        fixtures,
        { warehouse, model, setup },
        (result) => printFixture(output, result),
        signal,
      );
    } finally {
      await lease.release();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    printFixtures(output, results, fixtures.length, seconds);
    const tests = results.map(toTestJson);
    const ok = !signal.aborted && tests.every(({ state }) => state === 'passed');
    const interrupted = signal.aborted ? { interrupted: true as const } : {};
    output.result({ command: 'test', ok, seconds: secondsJson(seconds), tests, ...interrupted });
    if (signal.aborted) return EXIT.interrupted;
    return ok ? EXIT.done : EXIT.failed;
  },
};

/** @throws EdpError `usage` where there are none of them */
function select(all: readonly Fixture[], wanted: readonly string[]): readonly Fixture[] {
  if (all.length === 0) {
    throw new EdpError('usage', 'there are no tests: tests/*.yaml of the project', {
      hint: 'edp test --help shows what a test looks like',
    });
  }
  if (wanted.length === 0) return all;
  const namesOf = ({ name, task, file }: Fixture) => [
    name,
    task.name,
    task.name.slice(task.name.indexOf('.') + 1),
    file,
  ];
  for (const name of wanted) {
    if (all.some((each) => namesOf(each).includes(name))) continue;
    throw new EdpError('usage', `no test, and no task with one, is ${JSON.stringify(name)}`, {
      hint: suggest(
        name,
        all.flatMap(namesOf),
        `the tests are ${listNames(all.map((each) => JSON.stringify(each.name)))}`,
      ),
    });
  }
  return all.filter((each) => namesOf(each).some((name) => wanted.includes(name)));
}
