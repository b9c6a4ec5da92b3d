/** Compares the bytes of a key with one that is in memory, where layout.ts describes it. */
import { LEAVE } from './bytes';
import { KEY_LENGTH, KEY_TEXT } from './layout';

/** Loaded from 16 − n on: a mask of the first n bytes. */
const FIRST_BYTES = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

export class Key {
  /** @returns the address behind the key and its quotes; LEAVE where the key at `from` is another one */
  @inline
  static skip(from: usize, key: usize): usize {
    let at = from;
    let text = key + KEY_TEXT;
    let rest = <usize>load<u32>(key, KEY_LENGTH);
    for (; rest > 16; rest -= 16) {
      if (v128.any_true(v128.xor(v128.load(at), v128.load(text)))) return LEAVE;
      at += 16;
      text += 16;
    }
    const difference = v128.xor(v128.load(at), v128.load(text));
    if (v128.any_true(v128.and(difference, v128.load(FIRST_BYTES + 16 - rest)))) return LEAVE;
    return at + rest;
  }
}
