/** A time as the server prints it in UTC, to the second. */
export function time(text: string): string {
  return text.replace(/\.\d+/, '').replace(/\+00$/, ' UTC');
}
