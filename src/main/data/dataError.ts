/** What a refusal of this room says; the parts stay apart so that hosts and tests need not parse the sentence. */
export interface DataErrorParts {
  /** What was being done, as a phrase: "reading the IDX header". */
  readonly operation: string;
  /** Null where no single file is at fault. */
  readonly file?: string;
  /** Byte offset of the fault in the file, in its contents after gzip where it is compressed. */
  readonly offset?: number;
  readonly quantity: string;
  readonly got: string | number;
  readonly expected: string | number;
  /** What the user can do about it. */
  readonly cure: string;
  readonly cause?: unknown;
}

/** Data that cannot be used as asked: a missing, damaged or unfitting file, set or subset. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly file: string | null;
  readonly offset: number | null;
  readonly got: string | number;
  readonly expected: string | number;
  readonly cure: string;

  constructor({ operation, file, offset, quantity, got, expected, cure, cause }: DataErrorParts) {
    const where = [file, offset === undefined ? undefined : `byte ${offset}`].filter((part) => part !== undefined);
    const place = where.length === 0 ? '' : ` (${where.join(', ')})`;
    super(
      `${operation}${place}: ${quantity}: got ${got}, expected ${expected}; ${cure}`,
      cause === undefined ? undefined : { cause },
    );
    this.file = file ?? null;
    this.offset = offset ?? null;
    this.got = got;
    this.expected = expected;
    this.cure = cure;
  }
}
