/** Names of those who write files of events: no two that may run at the same time have the same one. */
import { createHash } from 'node:crypto';

export function consumerWriter(source: string, consumer: string): string {
  return nameOf([source, consumer]);
}

/** Of a snapshot of one table. */
export function snapshotWriter(source: string, model: string): string {
  const hash = createHash('md5').update(model).digest('hex').slice(0, 12);
  return nameOf([source, 'snapshot', hash]);
}

/** Parts have no dots, so those of another number of parts are others. */
function nameOf(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll('%', '%25').replaceAll('.', '%2E')).join('.');
}
