/** Text packed as programs pack it, without those programs. */
import { crc32, deflateRawSync } from 'node:zlib';

/** A zstd frame whose blocks are stored as they are. */
export function zstd(bytes: Buffer, blockBytes = 1 << 16): Buffer {
  // Magic number; no checksum and no size; a window of 1 MB.
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50])];
  for (let at = 0; at === 0 || at < bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    const isLast = at + blockBytes >= bytes.length;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (isLast ? 1 : 0), 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

/** A frame that is passed over, as pzstd writes them. */
export function zstdSkippable(bytes: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50, 0);
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly isStored?: boolean;
  /** Where it shall not be the right one. */
  readonly crc?: number;
}

export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, isStored = false, crc = crc32(bytes) } of entries) {
    const data = isStored ? bytes : deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(isStored ? 0 : 8, 4);
    fields.writeUInt32LE(crc, 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), data]);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, central, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}

export function utf16(text: Buffer, order: 'le' | 'be', hasMark: boolean): Buffer {
  const bytes = Buffer.from(`${hasMark ? '\ufeff' : ''}${text.toString()}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
}
