/** A page in Chromium, driven by the protocol of its developer tools. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { withDirectory } from './cli.js';

export const HAS_CHROMIUM = spawnSync('chromium', ['--version']).status === 0;

type Message = Readonly<Record<string, unknown>>;

export interface ChromiumPage {
  /** Errors and warnings of the console, exceptions, and what the policy of the page has blocked. */
  readonly complaints: readonly string[];
  open(url: string): Promise<void>;
  /** @returns the value of an expression, as JSON has it */
  evaluate<T>(expression: string): Promise<T>;
  /** @param key its name, such as `Enter` or `/` */
  press(key: string): Promise<void>;
  type(text: string): Promise<void>;
  /** What the page is told that the user prefers. */
  prefer(scheme: 'dark' | 'light'): Promise<void>;
}

export async function withChromium<T>(work: (page: ChromiumPage) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const child = spawn(
      'chromium',
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        ...['--remote-debugging-pipe', '--window-size=1400,900', `--user-data-dir=${directory}`],
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const ended = once(child, 'close');
    try {
      return await work(await attach(child.stdio[3] as Writable, child.stdio[4] as Readable));
    } finally {
      child.kill();
      await ended;
    }
  });
}

async function attach(input: Writable, output: Readable): Promise<ChromiumPage> {
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let loaded = () => {};
  const onMessage = (message: Message) => {
    if (typeof message.id === 'number') {
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    } else if (message.method === 'Page.loadEventFired') loaded();
    else if (isComplaint(message)) complaints.push(JSON.stringify(message.params));
  };
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\0');
    rest = parts.pop()!;
    for (const part of parts) onMessage(JSON.parse(part) as Message);
  });
  let last = 0;
  let sessionId: string | undefined;
  const send = async <T>(method: string, params: object = {}): Promise<T> => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as T;
  };
  const { targetId } = await send<{ targetId: string }>('Target.createTarget', {
    url: 'about:blank',
  });
  const attached = await send<{ sessionId: string }>('Target.attachToTarget', {
    targetId,
    flatten: true,
  });
  sessionId = attached.sessionId;
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
  return {
    complaints,
    async open(url) {
      const done = new Promise<void>((resolve) => {
        loaded = resolve;
      });
      await send('Page.navigate', { url });
      await done;
    },
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send<{
        result: { value: T };
        exceptionDetails?: object;
      }>('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return result.value;
    },
    async press(key) {
      const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
      const code = { Enter: 13, Escape: 27, Tab: 9 }[key];
      const event = { key, ...(code === undefined ? {} : { windowsVirtualKeyCode: code }) };
      await send('Input.dispatchKeyEvent', {
        type: text === undefined ? 'rawKeyDown' : 'keyDown',
        ...event,
        ...(text === undefined ? {} : { text }),
      });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    },
    async type(text) {
      await send('Input.insertText', { text });
    },
    async prefer(value) {
      await send('Emulation.setEmulatedMedia', {
        features: [{ name: 'prefers-color-scheme', value }],
      });
    },
  };
}

function isComplaint({ method, params }: Message): boolean {
  const { type, entry } = (params ?? {}) as { type?: string; entry?: { level?: string } };
  return (
    method === 'Runtime.exceptionThrown' ||
    method === 'Page.javascriptDialogOpening' ||
    (method === 'Runtime.consoleAPICalled' && (type === 'error' || type === 'warning')) ||
    (method === 'Log.entryAdded' && (entry?.level === 'error' || entry?.level === 'warning'))
  );
}
