/** Progress on a terminal and in a pipe, by a clock of its own. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Output } from '../../src/terminal/output.js';
import {
  formatRate,
  makeProgress,
  type ProgressText,
  withProgress,
} from '../../src/terminal/progress.js';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance', 'Date'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function makeOutput(isTTY: boolean) {
  const written = { err: '' };
  const stream = {
    isTTY,
    columns: 120,
    write: (text: string) => {
      written.err += text;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  return { output: new Output(false, stream, stream), written };
}

describe('in a pipe', () => {
  it('says every ten seconds how far it is, and nothing else', async () => {
    const { output, written } = makeOutput(false);
    let rows = 0;
    const progress = await makeProgress(output, (seconds) => ({
      parts: [`${rows} rows`, formatRate(rows, 'rows', seconds)],
    }));
    progress.start(200);
    rows = 5000;
    progress.update(50);
    vi.advanceTimersByTime(9999);
    expect(written.err).toBe('');
    vi.advanceTimersByTime(1);
    expect(written.err).toBe('25%, 5000 rows, 500 rows/s\n');
    progress.note('a file is odd');
    progress.update(200);
    vi.advanceTimersByTime(10_000);
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(written.err).toBe(
      '25%, 5000 rows, 500 rows/s\na file is odd\n100%, 5000 rows, 250 rows/s\n',
    );
  });

  it('names the step, also if each is shorter than ten seconds', async () => {
    const { output, written } = makeOutput(false);
    let label = '';
    const progress = await makeProgress(output, () => ({ label, parts: ['0 rows removed'] }));
    for (label of ['rows', 'rejects', 'receipts']) {
      progress.start(label === 'receipts' ? 0 : 4);
      progress.update(1);
      vi.advanceTimersByTime(9000);
    }
    progress.stop();
    expect(written.err).toBe('rejects: 25%, 0 rows removed\nreceipts: 0 rows removed\n');
  });

  it('says nothing more once the work has failed', async () => {
    const { output, written } = makeOutput(false);
    const work = withProgress(
      output,
      () => ({ parts: [] }),
      async (progress) => {
        progress.start(10);
        throw new Error('broken');
      },
    );
    await expect(work).rejects.toThrow('broken');
    vi.advanceTimersByTime(60_000);
    expect(written.err).toBe('');
  });
});

describe('on a terminal', () => {
  /** What the bar's line has been, without the bar and the control sequences. */
  function linesOf(text: string): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
    const plain = text.replace(/\u001b(?:\[[?\d;]*[A-Za-z]|[78])/g, '\n');
    return plain
      .split('\n')
      .map((line) => line.replace(/^[░█ ]+/, '').trim())
      .filter(Boolean);
  }

  it('redraws a line with the part that is done, what came of it, and the time left', async () => {
    const { output, written } = makeOutput(true);
    let shown: ProgressText = { parts: ['0 rows', '0 rows/s'] };
    const progress = await makeProgress(output, () => shown);
    progress.start(200);
    vi.advanceTimersByTime(10_000);
    shown = { parts: ['5,000 rows', '500 rows/s'], last: '3 rejected' };
    progress.update(50);
    vi.advanceTimersByTime(200);
    progress.note('a file is odd');
    progress.stop();
    const lines = linesOf(written.err);
    expect(lines[0]).toBe('0% | 0 rows | 0 rows/s | ETA –');
    expect(lines).toContain('25% | 5,000 rows | 500 rows/s | ETA 30 s | 3 rejected');
    expect(lines).toContain('a file is odd');
  });

  it('counts the time left from where it began, and begins anew', async () => {
    const { output, written } = makeOutput(true);
    const progress = await makeProgress(output, () => ({ label: 'moving', parts: ['9 values'] }));
    progress.start(100, 40);
    vi.advanceTimersByTime(10_000);
    progress.update(60);
    vi.advanceTimersByTime(200);
    progress.start(10);
    progress.stop();
    const lines = linesOf(written.err);
    expect(lines).toContain('40% | moving, 9 values | ETA –');
    expect(lines).toContain('60% | moving, 9 values | ETA 20 s');
    expect(lines).toContain('0% | moving, 9 values | ETA –');
  });

  it('shows a note before it has begun, and no bar', async () => {
    const { output, written } = makeOutput(true);
    const progress = await makeProgress(output, () => ({ parts: ['x'] }));
    progress.note('waiting');
    progress.stop();
    expect(linesOf(written.err)).toEqual(['waiting']);
  });
});
