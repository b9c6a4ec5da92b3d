/** A chart as a figure of HTML. */
import type { Chart, LegendEntry } from '../chart/draw-chart.js';
import { escapeHtml } from './escape-html.js';

/** @param caption as text */
export function figureOf(chart: Chart, caption: string): string {
  const panels = chart.panels.map(({ title, wide, narrow }) => {
    const head = title === '' ? '' : `<h2>${escapeHtml(title)}</h2>`;
    return narrow === undefined
      ? `<div>${head}${wide}</div>`
      : `${head}<div class="wide">${wide}</div><div class="narrow">${narrow}</div>`;
  });
  const drawing =
    chart.panels[0]?.narrow === undefined
      ? `<div class="panels">${panels.join('\n')}</div>`
      : panels.join('\n');
  const notes = chart.notes.map((note) => `<p class="quiet">${escapeHtml(note)}</p>`).join('\n');
  return `<figure>
<figcaption>${escapeHtml(caption)}</figcaption>
${legendOf(chart.legend)}${drawing}
${notes}
</figure>`;
}

/** A swatch is a drawing, so that it needs no style of its own. */
function legendOf(entries: readonly LegendEntry[]): string {
  if (entries.length === 0) return '';
  const items = entries.map(
    ({ label, colour }) =>
      `<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill="${colour}"/></svg>${escapeHtml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>\n`;
}
