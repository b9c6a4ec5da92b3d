/** Which threads of the pool have a database session: shared memory, by the numbers of threads. */

const COUNT = 1024;

export type SessionMarks = Int32Array;

export function makeSessionMarks(): SessionMarks {
  return new Int32Array(new SharedArrayBuffer(COUNT * Int32Array.BYTES_PER_ELEMENT));
}

export function markSession(marks: SessionMarks, threadId: number, isOpen: boolean): void {
  Atomics.store(marks, threadId % COUNT, isOpen ? 1 : 0);
}

export function hasSession(marks: SessionMarks, threadId: number): boolean {
  return Atomics.load(marks, threadId % COUNT) === 1;
}
