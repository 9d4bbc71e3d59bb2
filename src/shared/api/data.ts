import { z } from 'zod';
import { datasetNameSchema } from '../config.ts';
import { call, nothing, uint8Array, type Calls } from './call.ts';
import { taskName } from './tasks.ts';

/** A set of the catalogue by its name, or a folder of images by its path. */
const dataset = z.string().min(1).max(4096);

export const datasetStatusSchema = z.object({
  name: datasetNameSchema,
  title: z.string(),
  /** What a run would read; null where nothing is there. */
  serves: z.enum(['folder', 'bundled', 'full']).nullable(),
  height: z.int(),
  width: z.int(),
  channels: z.int(),
  trainingImages: z.int(),
  testImages: z.int(),
  classes: z.array(z.string()),
  licence: z.string(),
  /** Where a full set is looked for, and the files that it consists of, in words. */
  folders: z.array(z.string()),
  files: z.string(),
  /** Of the download. */
  bytes: z.int(),
});
export type DatasetStatusView = z.infer<typeof datasetStatusSchema>;

export const dataCalls = {
  'data.list': call(nothing, z.array(datasetStatusSchema)),
  /** Downloads a set; what is there already is kept, what was begun goes on. */
  'data.get': call(
    z.strictObject({ name: datasetNameSchema, task: taskName }),
    z.object({ folder: z.string(), files: z.array(z.string()) }),
  ),
  /** Sizes and checksums of a set's files against the distributed ones. */
  'data.check': call(
    z.strictObject({ name: datasetNameSchema }),
    z.object({
      folder: z.string(),
      files: z.array(
        z.object({ name: z.string(), bytes: z.int(), isRight: z.boolean().nullable(), state: z.string() }),
      ),
    }),
  ),
  /** A contact sheet as a PNG file, and how many images of each class a run would have. */
  'data.preview': call(
    z.strictObject({
      dataset,
      split: z.enum(['train', 'test']).default('test'),
      seed: z.int().min(0).max(0xffffffff).default(0),
    }),
    z.object({
      title: z.string(),
      png: uint8Array,
      width: z.int(),
      height: z.int(),
      classes: z.array(
        z.object({ name: z.string(), training: z.int(), validation: z.int(), test: z.int(), evaluated: z.int() }),
      ),
    }),
  ),
} as const satisfies Calls;
