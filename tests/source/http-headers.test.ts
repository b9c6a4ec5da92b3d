/** What headers say, and what is shown of a URL: no server is needed to tell. */
import { describe, expect, it } from 'vitest';
import {
  conditionOf,
  type Headers,
  readContentCoding,
  readContentRange,
  readRetryAfter,
  readValidator,
} from '../../src/source/http/http-headers.js';
import { isMasked, pathOf, shownUrl } from '../../src/source/http/url-names.js';

const DATE = 'Tue, 03 Nov 2026 10:00:00 GMT';
const LATER = 'Tue, 03 Nov 2026 10:00:05 GMT';

describe('a version is known by', () => {
  it.each<[name: string, headers: Headers, validator: object, condition: object]>([
    ['a strong ETag', { etag: '"a"' }, { etag: '"a"' }, { 'if-match': '"a"' }],
    [
      'an ETag before a date',
      { etag: '"a"', 'last-modified': DATE, date: LATER },
      { etag: '"a"' },
      { 'if-match': '"a"' },
    ],
    [
      'a date that is over',
      { 'last-modified': DATE, date: LATER },
      { lastModified: DATE },
      { 'if-unmodified-since': DATE },
    ],
    [
      'a date in place of a weak ETag',
      { etag: 'W/"a"', 'last-modified': DATE, date: LATER },
      { lastModified: DATE },
      { 'if-unmodified-since': DATE },
    ],
    ['no date of this second', { 'last-modified': DATE, date: DATE }, {}, {}],
    ['no date that is none', { 'last-modified': 'yesterday', date: LATER }, {}, {}],
    ['no weak ETag', { etag: 'W/"a"' }, {}, {}],
    ['no ETag without quotes', { etag: 'a' }, {}, {}],
    ['nothing', {}, {}, {}],
  ])('%s', (_, headers, validator, condition) => {
    expect(readValidator(headers)).toEqual(validator);
    expect(conditionOf(readValidator(headers))).toEqual(condition);
  });
});

it.each([
  ['bytes 0-99/200', { start: 0, end: 100, size: 200 }],
  ['bytes 5-5/*', { start: 5, end: 6, size: undefined }],
  ['bytes */0', { start: 0, end: 0, size: 0 }],
  ['bytes 0-99', undefined],
  ['lines 0-99/200', undefined],
  ['', undefined],
])('Content-Range: %s', (value, expected) => {
  expect(readContentRange({ 'content-range': value })).toEqual(expected);
});

it.each([
  ['gzip', '/a.csv', 'gzip'],
  ['GZIP', '/a.csv', 'gzip'],
  ['br', '/a.csv.gz', 'br'],
  ['gzip', '/a.csv.gz', undefined],
  ['x-gzip', '/a.TGZ', undefined],
  ['identity', '/a.csv', undefined],
  [undefined, '/a.csv', undefined],
])('Content-Encoding: %s of %s', (value, path, expected) => {
  expect(readContentCoding({ 'content-encoding': value }, path)).toBe(expected);
});

it.each([
  ['3', 3000],
  ['0', 0],
  ['Tue, 03 Nov 2026 10:00:05 GMT', 5000],
  ['Tue, 03 Nov 2026 09:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s', (value, expected) => {
  expect(readRetryAfter({ 'retry-after': value }, Date.parse(DATE))).toBe(expected);
});

describe('a URL is shown', () => {
  it.each([
    ['as it is', 'https://host/a.csv?part=1&x', 'https://host/a.csv?part=1&x'],
    ['without user and password', 'https://me:secret@host:81/a.csv', 'https://host:81/a.csv'],
    ['without its fragment', 'https://host/a.csv#secret', 'https://host/a.csv'],
    [
      'without a signature of S3',
      'https://host/a?X-Amz-Credential=s&X-Amz-Date=1&X-Amz-Signature=s&X-Amz-Security-Token=s',
      'https://host/a?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=***&X-Amz-Security-Token=***',
    ],
    ['without one of Azure', 'https://host/a?sv=1&sig=s%2F', 'https://host/a?sv=1&sig=***'],
    [
      'without one of Google',
      'https://host/a?X-Goog-Signature=s',
      'https://host/a?X-Goog-Signature=***',
    ],
    [
      'without tokens',
      'https://host/a?access_token=s&Token=s&accessToken=s&tokens=1',
      'https://host/a?access_token=***&Token=***&accessToken=***&tokens=1',
    ],
    [
      'without keys and passwords',
      'https://host/a?api_key=s&apikey=s&key=s&pwd=s&keys=1',
      'https://host/a?api_key=***&apikey=***&key=***&pwd=***&keys=1',
    ],
    [
      'without what is written in another way',
      'https://host/a?%74oken=s',
      'https://host/a?%74oken=***',
    ],
    ['with what has no value', 'https://host/a?token=&sig', 'https://host/a?token=&sig'],
  ])('%s', (_, url, shown) => {
    expect(shownUrl(url)).toBe(shown);
    expect(isMasked(shown)).toBe(shown.includes('***'));
    // Shown once more, it stays as it is.
    expect(shownUrl(shown)).toBe(shown);
  });

  it.each([
    ['https://host/a/my%20events.csv?x=/y', '/a/my events.csv'],
    ['https://host/%C3%A9.csv', '/é.csv'],
    ['https://host/100%.csv', '/100%.csv'],
    ['https://host', '/'],
  ])('%s has the path %s', (url, path) => {
    expect(pathOf(new URL(url))).toBe(path);
  });
});
