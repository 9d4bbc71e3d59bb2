import { z } from 'zod';
import { apiErrorSchema } from './errors.ts';

/** Messages of every transport. A request is answered exactly once, by its id. */
export const requestSchema = z.strictObject({
  id: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  call: z.string().max(100),
  input: z.unknown(),
});
export type Request = z.infer<typeof requestSchema>;

export const replySchema = z.discriminatedUnion('ok', [
  z.strictObject({ id: z.int(), ok: z.literal(true), output: z.unknown() }),
  z.strictObject({ id: z.int(), ok: z.literal(false), error: apiErrorSchema }),
]);
export type Reply = z.infer<typeof replySchema>;
