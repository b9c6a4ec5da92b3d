/** Whether a text is a day of the calendar, written as 2024-01-31. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // Of a day that the month does not have, JavaScript makes one of the next.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
