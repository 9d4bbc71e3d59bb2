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

export const runId = z.int().positive();
export const page = z.strictObject({
  offset: z.int().min(0),
  limit: z.int().min(1).max(1000),
});
