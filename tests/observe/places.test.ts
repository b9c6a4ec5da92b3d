/** Where numbers can be read: the file and the address, against those who mean harm or do not know better. */
import { lstat, readFile, symlink, writeFile } from 'node:fs/promises';
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
