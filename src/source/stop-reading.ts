/** Lets a thread stop waiting for a server when the work is stopped. */

let flag: Int32Array | undefined;

/** @param stop set to 1 by the thread that stops the work; shared memory */
export function stopReadingWith(stop: Int32Array): void {
  flag = stop;
}

export function isReadingStopped(): boolean {
  return flag !== undefined && Atomics.load(flag, 0) === 1;
}
