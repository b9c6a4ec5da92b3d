/** Seconds as JSON: to the millisecond. */
export function secondsJson(seconds: number): number {
  return Number(seconds.toFixed(3));
}
