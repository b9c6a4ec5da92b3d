/**
 * Distinct values that the rows refer to: small integers as bits, all others in a hash table with
 * open addressing, from which the facade reads the values added since its last call.
 *
 * A value counts only once its record is taken, so it waits in PENDING until then. A full table
 * stops the run, in front of a record; the facade reads it out and empties it.
 */
import {
  MAX_REFERENCE_TEXT,
  MAX_REFERENCES,
  MAX_VALUES,
  PENDING,
  PENDING_BYTES,
  REFERENCE_BYTES,
  REFERENCE_COUNT,
  REFERENCE_SLOTS,
  REFERENCE_USED,
  REFERENCE_VALUES,
  REFERENCE_VALUES_BYTES,
  REFERENCES,
  SLOT_COUNT,
  SMALL_VALUES,
} from './layout';

/** A pending entry has this in place of a text's length. */
const IS_INTEGER: u32 = 0xffffffff;
const PENDING_REFERENCE: usize = 8;
const PENDING_LENGTH: usize = 12;

const GOLDEN: u64 = 0x9e3779b97f4a7c15;

export class References {
  /** Address behind the last pending entry. */
  static pending: usize = PENDING;
  static isFull: bool = false;

  /** Called when the texts of the current record were moved. */
  static moveTexts(by: usize): void {
    for (let entry: usize = PENDING; entry < References.pending; entry += PENDING_BYTES) {
      if (load<u32>(entry, PENDING_LENGTH) === IS_INTEGER) continue;
      store<u64>(entry, <u64>(<usize>load<u64>(entry) + by));
    }
  }
}

/** @param reference numbered from 1 */
export function refersToInteger(reference: u32, value: i64): void {
  addPending(reference, value, IS_INTEGER);
}

/** @returns false where the text is too long to be stored */
export function refersToText(reference: u32, text: usize, length: u32): bool {
  if (length > <u32>MAX_REFERENCE_TEXT) return false;
  addPending(reference, text, length);
  return true;
}

function addPending(reference: u32, value: i64, length: u32): void {
  const entry = References.pending;
  store<i64>(entry, value);
  store<u32>(entry, reference, PENDING_REFERENCE);
  store<u32>(entry, length, PENDING_LENGTH);
  References.pending = entry + PENDING_BYTES;
}

/** Called when the record is taken: its references count from now on. */
export function notePending(): void {
  for (let entry: usize = PENDING; entry < References.pending; entry += PENDING_BYTES) {
    const base = memoryOf(load<u32>(entry, PENDING_REFERENCE));
    const length = load<u32>(entry, PENDING_LENGTH);
    const value = load<u64>(entry);
    if (length !== IS_INTEGER) noteText(base, <usize>value, length);
    else if (value < <u64>SMALL_VALUES) noteSmall(base, <u32>value);
    else noteLarge(base, value);
  }
}

function memoryOf(reference: i32): usize {
  return REFERENCES + (reference - 1) * REFERENCE_BYTES;
}

function noteSmall(base: usize, value: u32): void {
  const word = base + ((value >> 5) << 2);
  store<u32>(word, load<u32>(word) | ((<u32>1) << (value & 31)));
}

function slotOf(base: usize, hash: u64): usize {
  return base + REFERENCE_SLOTS + ((<usize>(hash >> 50)) << 2);
}

function nextSlot(base: usize, slot: usize): usize {
  const next = slot + 4;
  return next === base + REFERENCE_SLOTS + 4 * SLOT_COUNT ? base + REFERENCE_SLOTS : next;
}

/** Values are stored one after the other. A slot holds the offset of its value plus one, or 0. */
function noteLarge(base: usize, value: u64): void {
  const values = base + REFERENCE_VALUES;
  let slot = slotOf(base, value * GOLDEN);
  for (let found = load<u32>(slot); found !== 0; found = load<u32>(slot)) {
    if (load<u64>(values + found - 1) === value) return;
    slot = nextSlot(base, slot);
  }
  const used = load<u32>(base, REFERENCE_USED);
  store<u64>(values + used, value);
  addValue(base, slot, used, 8);
}

function noteText(base: usize, text: usize, length: u32): void {
  const values = base + REFERENCE_VALUES;
  let slot = slotOf(base, hashText(text, length));
  for (let found = load<u32>(slot); found !== 0; found = load<u32>(slot)) {
    const other = values + found - 1;
    if (load<u32>(other) === length && memory.compare(text, other + 4, length) === 0) return;
    slot = nextSlot(base, slot);
  }
  const used = load<u32>(base, REFERENCE_USED);
  store<u32>(values + used, length);
  memory.copy(values + used + 4, text, length);
  addValue(base, slot, used, 4 + length);
}

function addValue(base: usize, slot: usize, used: u32, byteLength: u32): void {
  store<u32>(slot, used + 1);
  const count = load<u32>(base, REFERENCE_COUNT) + 1;
  store<u32>(base, count, REFERENCE_COUNT);
  store<u32>(base, used + byteLength, REFERENCE_USED);
  if (
    count === MAX_VALUES ||
    used + byteLength + 4 + MAX_REFERENCE_TEXT > <u32>REFERENCE_VALUES_BYTES
  ) {
    References.isFull = true;
  }
}

function hashText(text: usize, length: u32): u64 {
  let hash: u64 = length;
  let at = text;
  let rest = length;
  for (; rest >= 8; rest -= 8) {
    hash = rotl<u64>((hash ^ load<u64>(at)) * GOLDEN, 29);
    at += 8;
  }
  if (rest > 0) {
    // Bytes behind the text are shifted out.
    hash = rotl<u64>((hash ^ (load<u64>(at) << (64 - 8 * rest))) * GOLDEN, 29);
  }
  return hash * GOLDEN;
}

/** Forgets all values. */
export function clearReferences(): void {
  for (let reference = 1; reference <= MAX_REFERENCES; reference++) {
    const base = memoryOf(reference);
    if (load<u32>(base, REFERENCE_COUNT) === 0) continue;
    memory.fill(base + REFERENCE_SLOTS, 0, 4 * SLOT_COUNT);
    store<u32>(base, 0, REFERENCE_COUNT);
    store<u32>(base, 0, REFERENCE_USED);
  }
  References.isFull = false;
}
