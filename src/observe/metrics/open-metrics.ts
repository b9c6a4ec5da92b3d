/** Opens what `--metrics` names, and counts what happens into one registry for all of it. */
import { EdpError } from '../../base/errors.js';
import { listen } from '../../base/happenings.js';
import type { MetricTarget } from '../../options/metric-targets.js';
import { flagOf } from '../../options/option-definitions.js';
import { resolveOptions } from '../../options/resolve-options.js';
import type { Observer, ObserverContext } from '../observer.js';
import { isWatchedWork } from '../watched-work.js';
import type { Target, TargetContext } from './target.js';

/** @returns undefined where nobody asked for numbers @throws EdpError `usage` */
export async function openMetrics(context: ObserverContext): Promise<Observer | undefined> {
  const { given, project, command, warn } = context;
  if (given[flagOf('metrics')] === undefined && !isWatchedWork(command, given)) return undefined;
  const { metrics, metricsLabels } = resolveOptions(
    ['metrics', 'metrics-labels'],
    given,
    project.options,
  );
  if (metrics.length === 0) return undefined;
  assertServable(metrics, command, given);
  const [{ MetricsRegistry }, { countInto }, { addMachineFigures }, { addDatabaseFigures }] =
    await Promise.all([
      import('./metrics-registry.js'),
      import('./count-happenings.js'),
      import('./machine-figures.js'),
      import('./database-figures.js'),
    ]);
  const registry = new MetricsRegistry(metricsLabels);
  addMachineFigures(registry);
  addDatabaseFigures(registry);
  const targets: Target[] = [];
  for (const target of metrics) targets.push(...(await openTarget(target, { registry, warn })));
  // Behind the targets, which get the numbers as they come.
  const stop = listen(countInto(registry, command));
  return {
    async close() {
      stop();
      await registry.refresh();
      await Promise.all(targets.map((target) => target.close()));
    },
  };
}

async function openTarget(
  target: MetricTarget,
  context: TargetContext,
): Promise<readonly Target[]> {
  switch (target.kind) {
    case 'textfile':
      return [(await import('./textfile.js')).openTextfile(target.path, context)];
    case 'statsd':
      return [(await import('./statsd.js')).openStatsd(target.host, target.port, context)];
    case 'prometheus': {
      const { openEndpoint } = await import('./prometheus-endpoint.js');
      return [await openEndpoint(target.host, target.port, context)];
    }
    case 'otlp': {
      const [metrics, traces] = await Promise.all([
        import('./otlp-metrics.js'),
        import('../traces/otlp-traces.js'),
      ]);
      return [
        metrics.openOtlpMetrics(target.url, context),
        traces.openOtlpTraces(target.url, context),
      ];
    }
  }
}

/** @throws EdpError `usage` where Prometheus would find nobody any more */
function assertServable(
  targets: readonly MetricTarget[],
  command: string,
  given: ObserverContext['given'],
): void {
  // Somebody can come and read.
  const stays = command === 'capture' && given.action === 'run';
  if (stays || targets.every(({ kind }) => kind !== 'prometheus')) return;
  throw new EdpError(
    'usage',
    `edp ${command} ends before Prometheus comes to read: --metrics prometheus:// is for edp capture run, which stays`,
    {
      hint: 'write a file that node_exporter reads: --metrics textfile:/var/lib/node_exporter/edp.prom',
    },
  );
}
