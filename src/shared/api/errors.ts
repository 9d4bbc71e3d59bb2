import { z } from 'zod';

/** Every way a call can fail, and what a view does about it. A closed set. */
export const API_ERROR_CODES = [
  /** The message says what, where and what is allowed. */
  'bad-input',
  'not-found',
  /** Something else holds what the call needs; later it may do. */
  'conflict',
  'cancelled',
  /** The store, the disk, the engine or the data said no; the message says which. */
  'failed',
  /** A defect of ours. */
  'internal',
] as const;
export const apiErrorSchema = z.strictObject({ code: z.enum(API_ERROR_CODES), message: z.string() });
export type ApiError = z.infer<typeof apiErrorSchema>;

/** An ApiError as it is thrown on the side that asked. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: ApiError['code'];
  constructor({ code, message }: ApiError) {
    super(message);
    this.code = code;
  }
}
