/** Makes all checks of a place and of its server; whatever is wrong with either, the others are made. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { connectOnce } from '../postgres/connection.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { describeClient } from '../postgres/which-server.js';
import { PLACE_CHECKS, SERVER_CHECKS } from './all-checks.js';
import { explainConnection } from './connection-check.js';
import type { Place } from './context.js';
import { type Check, type Finding, type NotExamined, SEVERITIES } from './finding.js';
import { lookAround } from './open-server.js';

export interface Examination {
  /** Undefined where none answered. */
  readonly server:
    | { readonly kind: 'embedded' | 'server'; readonly label: string; readonly version: number }
    | undefined;
  /** How many checks were made. */
  readonly checks: number;
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly notExamined: readonly NotExamined[];
}

class Report {
  readonly findings: Finding[] = [];
  readonly notExamined: NotExamined[] = [];
  checks = 0;

  async make<C>(checks: readonly Check<C>[], context: C, signal: AbortSignal): Promise<void> {
    for (const check of checks) {
      signal.throwIfAborted();
      try {
        const found = await check.look(context);
        this.findings.push(...found.map((one) => ({ check: check.name, why: check.why, ...one })));
        this.checks++;
      } catch (error) {
        this.notExamined.push({ check: check.name, reason: (error as Error).message });
      }
    }
  }
}

export async function examine(place: Place, signal: AbortSignal): Promise<Examination> {
  const report = new Report();
  await report.make(PLACE_CHECKS, place, signal);
  const server = await examineServer(place, report, signal);
  const rank = ({ severity }: Finding) => SEVERITIES.indexOf(severity);
  return {
    server,
    checks: report.checks,
    findings: report.findings.sort((a, b) => rank(a) - rank(b)),
    notExamined: report.notExamined,
  };
}

/** A load waits longer. */
const LOGIN_MS = 10_000;

const NO_DATA = 'the embedded server has no data yet: the first command that needs it makes it';
const FAULTY = 'edp.yaml has faults, so its tables and tasks are not known';

async function examineServer(
  place: Place,
  report: Report,
  signal: AbortSignal,
): Promise<Examination['server']> {
  const { address, directory } = place;
  if (address === undefined) return undefined;
  if (place.project === undefined) report.notExamined.push({ check: 'tables', reason: FAULTY });
  if (address.kind === 'server') return examineSession(place, address.client, report, signal);
  try {
    if (!(await hasData(directory))) {
      report.notExamined.push({ check: 'server', reason: NO_DATA });
      return undefined;
    }
    const { leaseEmbeddedServer } = await import('../postgres/embedded/embedded-server.js');
    const lease = await leaseEmbeddedServer(directory);
    try {
      return await examineSession(place, lease.client, report, signal);
    } finally {
      await lease.release();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    report.findings.push(explainConnection(error, undefined));
    return undefined;
  }
}

/** Makes no folder, where there is none. */
async function hasData(directory: string): Promise<boolean> {
  if (!existsSync(path.join(directory, '.edp'))) return false;
  const { inspectEmbeddedServer } = await import('../postgres/embedded/embedded-server.js');
  const { dataDirectory } = await inspectEmbeddedServer(directory);
  return existsSync(path.join(dataDirectory, 'PG_VERSION'));
}

async function examineSession(
  place: Place,
  config: ConnectionConfig,
  report: Report,
  signal: AbortSignal,
): Promise<Examination['server']> {
  const patient = {
    ...config,
    connectionTimeoutMillis: Math.min(config.connectionTimeoutMillis || LOGIN_MS, LOGIN_MS),
  };
  const opened = await connectOnce(patient, 'doctor').catch((error: unknown) => {
    report.findings.push(explainConnection(error, config));
    return undefined;
  });
  if (opened === undefined) return undefined;
  try {
    const served = await lookAround(place, opened, config);
    await report.make(SERVER_CHECKS, served, signal);
    const kind = served.isEmbedded ? 'embedded' : 'server';
    const label = served.isEmbedded ? 'the embedded server' : describeClient(config);
    return { kind, label, version: served.version };
  } finally {
    await opened.end().catch(() => {});
  }
}
