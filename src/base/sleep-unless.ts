/** A pause that a signal ends. */

/** @returns false where `signal` ended it, or had come before */
export async function sleepUnless(signal: AbortSignal, ms: number): Promise<boolean> {
  if (signal.aborted) return false;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
  return !signal.aborted;
}
