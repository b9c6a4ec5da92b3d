/** Events → envelopes → the server of a DSN. */
import {
  createEventEnvelope,
  getEnvelopeEndpointWithUrlEncodedAuth,
  makeDsn,
  serializeEnvelope,
} from '@sentry/core';
import { deliver } from '../deliver.js';
import { post } from '../post.js';
import { type ReportedError, toSentryEvent } from './sentry-event.js';

/** @returns what has gone wrong, if some were not delivered */
export async function reportErrors(
  url: URL,
  errors: readonly ReportedError[],
): Promise<string | undefined> {
  const dsn = makeDsn(url.href);
  if (dsn === undefined) return 'its DSN is not understood';
  const endpoint = getEnvelopeEndpointWithUrlEncodedAuth(dsn, undefined, undefined);
  const headers = { 'content-type': 'application/x-sentry-envelope' };
  const faults = await Promise.all(
    errors.map((error) => {
      const body = serializeEnvelope(createEventEnvelope(toSentryEvent(error), dsn));
      return deliver((signal) => post({ url: endpoint, headers, body }, signal));
    }),
  );
  return faults.find((fault) => fault !== undefined);
}
