/**
 * Answers as the API of the US Geological Survey does, from recorded answers: on loopback, for the demo.
 *
 *     GET /fdsnws/event/1/query?format=csv&starttime=2015-08-01&endtime=2015-08-02
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const ANSWERS = path.join(import.meta.dirname, 'answers');

/** @returns the server, and the URL of a day */
export async function serveAnswers() {
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    const day = searchParams.get('starttime') ?? '';
    if (pathname !== '/fdsnws/event/1/query' || !/^\d{4}-\d\d-\d\d$/.test(day)) {
      response.writeHead(400).end();
      return;
    }
    let body;
    try {
      body = readFileSync(path.join(ANSWERS, `${day}.csv`));
    } catch {
      response.writeHead(204).end();
      return;
    }
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = range === null ? 0 : Number(range[1]);
    const end = range === null || range[2] === '' ? body.length : Number(range[2]) + 1;
    const part = body.subarray(start, Math.min(end, body.length));
    const headers = {
      'content-type': 'text/csv',
      'content-length': part.length,
      etag,
      'accept-ranges': 'bytes',
    };
    if (range === null) response.writeHead(200, headers);
    else {
      const place = `bytes ${start}-${start + part.length - 1}/${body.length}`;
      response.writeHead(206, { ...headers, 'content-range': place });
    }
    response.end(request.method === 'HEAD' ? undefined : part);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const urlOf = (day, next) =>
    `http://127.0.0.1:${port}/fdsnws/event/1/query?format=csv&starttime=${day}&endtime=${next}&minmagnitude=2.5`;
  return { server, urlOf };
}
