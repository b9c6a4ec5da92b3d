/** The commands of docs/reports.md work as they stand there. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCatalog } from '../../src/report/catalog.js';
import { isChartFault, MARKS, parseChartLine } from '../../src/report/chart/chart-line.js';
import { readPageCommands } from '../support/page-commands.js';
import { runCli, SLOW, startProject, type TestProject } from './setup.js';

const page = await readFile(new URL('../../docs/reports.md', import.meta.url), 'utf8');
const commands = await readPageCommands('reports.md');

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
}, SLOW);
afterAll(() => project.stop(), SLOW);

describe('docs/reports.md', () => {
  it('has commands', () => {
    expect(commands.length).toBeGreaterThanOrEqual(5);
  });

  it.each(commands.map(({ words }) => ({ words, line: words.join(' ') })))(
    '$line',
    async ({ words }) => {
      expect(words[0]).toBe('edp');
      const { status, stderr } = await runCli(project.directory, words.slice(1));
      // Some show the same report twice.
      const said = stderr.replace(/^from the cache of .*\n/m, '');
      expect({ status, said }).toEqual({ status: 0, said: '' });
    },
    SLOW,
  );

  it('its report runs, and its chart lines are right', async () => {
    const sql = [...page.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, text]) => text!);
    const busiest = sql.find((text) => text.startsWith('-- title: Busiest'))!;
    await project.writeReport('busiest', busiest);
    const args = [
      'generate-report',
      'busiest',
      '--from',
      '2024-01-01',
      '--param',
      'top=3',
    ] as const;
    expect((await runCli(project.directory, [...args, '--out', 'busiest.html'])).status).toBe(0);
    const lines = sql.join('').match(/(?<=^-- chart: ).*$/gm) ?? [];
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(isChartFault(parseChartLine(line, 1)), line).toBe(false);
  });

  it('names each built-in report, and each mark', async () => {
    for (const { name } of await readCatalog(project.directory)) {
      const told = page.includes(`\`${name}\``) || /_second_dimension$|_name$|^busiest$/.test(name);
      expect(told, name).toBe(true);
    }
    for (const mark of MARKS)
      expect(page, mark).toContain(mark === 'none' ? 'chart: none' : `| \`${mark}\` |`);
  });
});
