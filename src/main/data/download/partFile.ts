import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import type { DistributionFile } from '../distributions.ts';

/** Which file a part is of and where it came from; beside the part, written before its first byte. */
interface PartNote {
  readonly sha256: string;
  readonly bytes: number;
  readonly address: string;
  /** What If-Range takes: a strong ETag, else the date of the last change; null where the server gave neither. */
  readonly validator: string | null;
}

export const partPathOf = (target: string): string => `${target}.part`;
const notePathOf = (target: string): string => `${target}.part.json`;

/** The bytes of a file that have come so far, with their hash. */
export class PartFile {
  readonly #target: string;
  readonly #file: DistributionFile;
  readonly #handle: FileHandle;
  #note: PartNote | null;
  #hash: Hash;
  #bytes = 0;

  private constructor(
    target: string,
    { file, handle, note }: { file: DistributionFile; handle: FileHandle; note: PartNote | null },
  ) {
    this.#target = target;
    this.#file = file;
    this.#handle = handle;
    this.#note = note;
    this.#hash = createHash('sha256');
  }

  /**
   * The part beside where the whole file will lie. One that is of another file, or of which nothing is known, is begun anew.
   * @param target path of the whole file
   */
  static async open(target: string, file: DistributionFile): Promise<PartFile> {
    const note = await noteOf(target, file);
    const handle = await open(partPathOf(target), note === null ? 'w' : 'r+');
    const part = new PartFile(target, { file, handle, note });
    try {
      if (note !== null) await part.#readBack();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return part;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The validator to send with a request for the rest; null where the part came from another address. */
  validatorAt(address: string): string | null {
    return this.#note?.address === address ? this.#note.validator : null;
  }

  async from(address: string, validator: string | null): Promise<void> {
    if (this.#note?.address === address && this.#note.validator === validator) return;
    this.#note = { sha256: this.#file.sha256, bytes: this.#file.bytes, address, validator };
    await writeFile(notePathOf(this.#target), JSON.stringify(this.#note));
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.#bytes + written);
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#bytes = 0;
    this.#hash = createHash('sha256');
  }

  /** Whether it is the whole file, to the last bit. */
  isWhole(): boolean {
    return this.#bytes === this.#file.bytes && this.#hash.copy().digest('hex') === this.#file.sha256;
  }

  /** Brings it to the disk. An empty part leaves nothing behind. */
  async close(): Promise<void> {
    if (this.#bytes > 0) await this.#handle.sync();
    await this.#handle.close();
    if (this.#bytes === 0) await removePart(this.#target);
  }

  async #readBack(): Promise<void> {
    for await (const chunk of createReadStream(partPathOf(this.#target))) {
      this.#hash.update(chunk as Uint8Array);
      this.#bytes += (chunk as Uint8Array).length;
    }
    if (this.#bytes > this.#file.bytes) await this.restart();
  }
}

/** Removes a part and what is known of it. */
export async function removePart(target: string): Promise<void> {
  await rm(partPathOf(target), { force: true });
  await rm(notePathOf(target), { force: true });
}

/** Removes what is known of a part that became the whole file. */
export const removeNote = (target: string): Promise<void> => rm(notePathOf(target), { force: true });

/** Bytes of the file that a download can go on from. */
export async function partBytes(target: string, file: DistributionFile): Promise<number> {
  if ((await noteOf(target, file)) === null) return 0;
  return Math.min(file.bytes, (await stat(partPathOf(target))).size);
}

/** Null where there is no part, or none of this file. */
async function noteOf(target: string, file: DistributionFile): Promise<PartNote | null> {
  try {
    await stat(partPathOf(target));
    const note = JSON.parse(await readFile(notePathOf(target), 'utf8')) as Partial<PartNote> | null;
    if (note?.sha256 !== file.sha256 || note.bytes !== file.bytes || typeof note.address !== 'string') return null;
    const validator = typeof note.validator === 'string' ? note.validator : null;
    return { sha256: note.sha256, bytes: note.bytes, address: note.address, validator };
  } catch {
    return null;
  }
}
