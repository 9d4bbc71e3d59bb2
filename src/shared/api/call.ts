import { z } from 'zod';

/** A question to the workbench: what it takes and what it answers. Inputs are strict objects, so that a typo is refused. */
export interface Call<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly input: Input;
  readonly output: Output;
}

/** Calls by name, "feature.verb". */
export type Calls = Readonly<Record<string, Call>>;

export const call = <Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): Call<Input, Output> => ({ input, output });

export const nothing = z.strictObject({});

/** Records that src/shared declares as types only, because evidence in them is typed arrays: checked to be an object. */
export const recordOf = <T extends object>(): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'object' && value !== null);
export const recordsOf = <T extends object>(): z.ZodType<readonly T[]> =>
  z.custom<readonly T[]>((value) => Array.isArray(value));

/** Whatever memory they lie in, which zod's own check of a class would narrow. */
export const float64Array = z.custom<Float64Array>((value) => value instanceof Float64Array);
export const float32Array = z.custom<Float32Array>((value) => value instanceof Float32Array);
export const uint8Array = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

export const runId = z.int().positive();
export const page = z.strictObject({
  offset: z.int().min(0),
  limit: z.int().min(1).max(1000),
});
