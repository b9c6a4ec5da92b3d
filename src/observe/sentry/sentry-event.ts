/**
 * An error → an event of Sentry without data: class, code, meaning and stack. The message of the error is left out,
 * since messages quote values; so are arguments, environment, host and user.
 */
import { randomUUID } from 'node:crypto';
import { createStackParser, type Event, type StackFrame } from '@sentry/core';
import { nodeStackLineParser } from '@sentry/core/server';
import { EdpError } from '../../base/errors.js';
import { edpVersion, packageFile } from '../../base/package-files.js';
import { harmlessCode, kindOf, meaningOf } from '../harmless.js';

export interface ReportedError {
  readonly code: string;
  readonly error: unknown;
  readonly command: string;
  readonly runId: number | undefined;
  readonly loadId: number | undefined;
}

const MAX_CAUSES = 5;
const FUNCTION = /^[\w$.<>[\]# ]{1,100}$/;

export function toSentryEvent({ code, error, command, runId, loadId }: ReportedError): Event {
  const version = edpVersion();
  const shown = harmlessCode(code);
  return {
    event_id: randomUUID().replaceAll('-', ''),
    timestamp: Date.now() / 1000,
    platform: 'node',
    // A bug of edp stands out.
    level: shown === 'internal' ? 'fatal' : 'error',
    release: `edp@${version}`,
    sdk: { name: 'edp', version, settings: { infer_ip: 'never' } },
    tags: { command, code: shown, arch: process.arch },
    contexts: {
      runtime: { name: 'node', version: process.version },
      os: { name: process.platform },
      edp: {
        ...(runId === undefined ? {} : { run_id: runId }),
        ...(loadId === undefined ? {} : { load_id: loadId }),
      },
    },
    // The last one is what was thrown.
    exception: {
      values: chainOf(error)
        .map((one, i) => toException(one, i === 0 ? code : undefined))
        .reverse(),
    },
  };
}

function chainOf(error: unknown): unknown[] {
  const chain = [error];
  for (let at = error; at instanceof Error && chain.length < MAX_CAUSES; at = at.cause) {
    if (at.cause === undefined) break;
    chain.push(at.cause);
  }
  return chain;
}

function toException(error: unknown, known: string | undefined) {
  const { code: own } = (error ?? {}) as { code?: unknown };
  const code = known ?? (typeof own === 'string' ? harmlessCode(own) : 'internal');
  const frames = framesOf(error);
  return {
    type: error instanceof EdpError ? error.code : kindOf(error),
    value: meaningOf(code, error),
    ...(frames.length === 0 ? {} : { stacktrace: { frames } }),
  };
}

const parse = createStackParser(nodeStackLineParser());

function framesOf(error: unknown): StackFrame[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return [];
  return parse(withoutMessage(error.stack, error.message)).map(harmlessFrame);
}

/** A message of several lines may look like frames. */
function withoutMessage(stack: string, message: string): string {
  const at = message === '' ? -1 : stack.indexOf(message);
  if (at >= 0) return stack.slice(at + message.length);
  // The message has been changed since: only the lines at the end are frames.
  const lines = stack.split('\n');
  const lastOther = lines.findLastIndex((line) => !/^\s+at /.test(line));
  return lines.slice(lastOther + 1).join('\n');
}

function harmlessFrame({ filename, function: name, lineno, colno }: StackFrame): StackFrame {
  const file = placeInPackage(filename ?? '');
  return {
    filename: file,
    function: name !== undefined && FUNCTION.test(name) ? name : '?',
    in_app: file.startsWith('app:///dist/'),
    ...(lineno === undefined ? {} : { lineno }),
    ...(colno === undefined ? {} : { colno }),
  };
}

/** Nothing of where the package lies on this machine. */
function placeInPackage(file: string): string {
  if (/^node:[\w/]+$/.test(file)) return file;
  const root = packageFile('');
  const path = file.replace(/^file:\/\//, '');
  if (path.startsWith(root)) return `app:///${path.slice(root.length)}`;
  const library = path.lastIndexOf('node_modules/');
  return library < 0 ? 'elsewhere' : `app:///${path.slice(library)}`;
}
