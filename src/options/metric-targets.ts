/** Where numbers go, as `--metrics` names it. */
import { z } from 'zod';

export type MetricTarget =
  | { readonly kind: 'textfile'; readonly path: string }
  | { readonly kind: 'statsd'; readonly host: string; readonly port: number }
  | { readonly kind: 'otlp'; readonly url: string }
  | { readonly kind: 'prometheus'; readonly host: string; readonly port: number };

export const METRIC_TARGET_FORMS = [
  'textfile:/path/edp.prom',
  'statsd://host:8125',
  'otlp:http://host:4318',
  'prometheus://127.0.0.1:9464',
] as const;

const STATSD_PORT = 8125;
const PROMETHEUS_PORT = 9464;

/** One or several, separated by commas or in a list. */
export const metricTargets = z
  .union([z.string(), z.array(z.string())])
  .transform((value, context): readonly MetricTarget[] => {
    const texts = [value]
      .flat()
      .flatMap((text) => text.split(','))
      .map((text) => text.trim())
      .filter((text) => text !== '');
    const targets = texts.map(parseTarget);
    const faulty = targets.indexOf(undefined);
    if (faulty < 0) return targets as MetricTarget[];
    context.addIssue(
      `${describeFaulty(texts[faulty]!)}: expected ${METRIC_TARGET_FORMS.join(', ')}`,
    );
    return z.NEVER;
  });

/** A URL may have a password, so no more is shown than how it begins. */
function describeFaulty(text: string): string {
  const [scheme] = /^[a-z]+:/i.exec(text) ?? [];
  return scheme === undefined ? 'a target without its kind' : `what stands behind ${scheme}`;
}

function parseTarget(text: string): MetricTarget | undefined {
  if (/^textfile:./.test(text)) {
    return { kind: 'textfile', path: text.slice('textfile:'.length).replace(/^\/\/(?=\/)/, '') };
  }
  if (/^otlp:https?:\/\//.test(text)) {
    const url = text.slice('otlp:'.length);
    return URL.canParse(url) ? { kind: 'otlp', url } : undefined;
  }
  const [, kind, address = ''] = /^(statsd|prometheus):\/\/([^/?#@]+)\/?$/.exec(text) ?? [];
  // The parser of URLs knows the forms of addresses, and takes out port 80 of http alone.
  if (kind === undefined || !URL.canParse(`edp://${address}`)) return undefined;
  const { hostname, port } = new URL(`edp://${address}`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  // A server may choose its port; a packet must be sent to one.
  if (kind === 'statsd' && Number(port) === 0 && port !== '') return undefined;
  const usual = kind === 'statsd' ? STATSD_PORT : PROMETHEUS_PORT;
  return {
    kind: kind as 'statsd' | 'prometheus',
    host,
    port: port === '' ? usual : Number(port),
  };
}
