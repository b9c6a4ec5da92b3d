/** Memory that threads share. */

/**
 * Copies bytes. Either side may be shared memory that no other thread uses meanwhile.
 *
 * `Buffer.copy` expects other threads to use it, and so copies shared memory byte by byte where the
 * two sides are not aligned alike, at a fifth of the speed (docs/performance.md). `fill` with
 * exactly as many bytes as there are to fill is one plain copy.
 */
export function copyBytes(
  from: Buffer,
  start: number,
  to: Buffer,
  at: number,
  length: number,
): void {
  if (length > 0) to.fill(from.subarray(start, start + length), at, at + length);
}
