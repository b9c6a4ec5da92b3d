/** Where numbers can be read: the file and the address, against those who mean harm or do not know better. */
import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { MetricsRegistry } from '../../src/observe/metrics/metrics-registry.js';
import { openEndpoint } from '../../src/observe/metrics/prometheus-endpoint.js';
import { openTextfile } from '../../src/observe/metrics/textfile.js';
import { makeDirectory } from '../support/cli.js';

it('a link that waits under the name of the number of the process is not followed', async () => {
  const cwd = await makeDirectory();
  const [file, other] = [path.join(cwd, 'edp.prom'), path.join(cwd, 'other')];
  await writeFile(other, 'of somebody else');
  await symlink(other, `${file}.${process.pid}.tmp`);
  const warnings: string[] = [];
  const warn = (warning: string) => warnings.push(warning);
  await openTextfile(file, { registry: new MetricsRegistry(), warn }).close();
  expect(warnings).toEqual([]);
  expect(await readFile(other, 'utf8')).toBe('of somebody else');
  expect((await lstat(file)).isFile()).toBe(true);
});

it('what stands beside the file under such a name, and is none to read, does not hold it up', async () => {
  const cwd = await makeDirectory();
  const at = (name: string) => path.join(cwd, name);
  const write = async () => {
    const warnings: string[] = [];
    const warn = (warning: string) => warnings.push(warning);
    const target = openTextfile(at('own.prom'), { registry: new MetricsRegistry(), warn });
    await target.close();
    return warnings;
  };
  execFileSync('mkfifo', [at('a-pipe.prom')]);
  await symlink('a-pipe.prom', at('a-way-to-a-pipe.prom'));
  await mkdir(at('b-directory.prom'));
  await symlink('nothing', at('c-nothing.prom'));
  const socket = net.createServer().listen(at('d-socket.prom'));
  onTestFinished(() => void socket.close());
  // One of several GB would fill the memory, or be too long for a text.
  await writeFile(at('e-large.prom'), 'edp_bytes_total 0\n');
  await truncate(at('e-large.prom'), 5_000_000_000);
  expect(await write()).toEqual([]);
  // The one behind them is still read.
  await writeFile(at('z.prom'), 'edp_bytes_total 0\n');
  expect(await write()).toEqual([expect.stringMatching(/only one of .*own\.prom and z\.prom/)]);
});

it.each([
  ['/metrics', 200],
  ['/metrics?x=1', 200],
  ['//', 404],
  ['http://', 404],
  ['/metrics/', 404],
])('a request for %s is answered with %i', async (target, status) => {
  const endpoint = await openEndpoint('127.0.0.1', 0, { registry: new MetricsRegistry() });
  onTestFinished(() => endpoint.close());
  const socket = net.connect(endpoint.port, '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(await text(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});
