/** The colours of charts: seen on their paper, and told apart, also by those who see fewer of them. */
import { describe, expect, it } from 'vitest';
import { COLOURS } from '../../src/report/page/page-style.js';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

const PAPER = { light: '#ffffff', dark: '#12171d' } as const;

/** Machado, Oliveira, Fernandes 2009: what is left of linear RGB without one kind of cone. */
const EYES: Readonly<Record<string, Matrix>> = {
  'all cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'no blue': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function linear(hex: string): Triple {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

const times = (row: Triple, [r, g, b]: Triple) => row[0] * r + row[1] * g + row[2] * b;
const luminance = (hex: string) => times([0.2126, 0.7152, 0.0722], linear(hex));

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

/** CIE L*a*b*, in which equal distances look about equal. */
function lab(hex: string, eyes: Matrix): Triple {
  const rgb = linear(hex);
  const seen = eyes.map((row) => Math.max(0, times(row, rgb))) as unknown as Triple;
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (841 / 108) * t + 4 / 29);
  const x = f(times([0.4124, 0.3576, 0.1805], seen) / 0.9505);
  const y = f(times([0.2126, 0.7152, 0.0722], seen));
  const z = f(times([0.0193, 0.1192, 0.9505], seen) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe.each(['light', 'dark'] as const)('%s', (mode) => {
  const { series } = COLOURS[mode];

  it('each colour is seen on its paper', () => {
    for (const colour of series) expect(contrast(colour, PAPER[mode]), colour).toBeGreaterThan(3);
  });

  it.each(Object.keys(EYES))('with %s, all are told apart', (eyes) => {
    const places = series.map((colour) => lab(colour, EYES[eyes]!));
    for (const [i, a] of places.entries()) {
      for (const [j, b] of places.entries()) {
        if (j <= i) continue;
        const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        expect(distance, `${series[i]} and ${series[j]}`).toBeGreaterThan(12);
      }
    }
  });
});
