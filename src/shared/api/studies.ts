import { z } from 'zod';
import type { StudyPlan, StudyReport } from '../studyReport.ts';
import { call, nothing, recordOf, type Calls } from './call.ts';

const study = z.int().positive();

export const studiesCalls = {
  /** Newest first, with how many of their runs stand how. */
  'studies.list': call(
    nothing,
    z.array(
      z.object({
        id: study,
        name: z.string(),
        createdAt: z.string(),
        done: z.int(),
        failed: z.int(),
        interrupted: z.int(),
        running: z.int(),
      }),
    ),
  ),
  /** The studies that come with the program, as documents. */
  'studies.presets': call(
    nothing,
    z.array(z.object({ preset: z.string(), name: z.string(), scale: z.string(), document: z.unknown() })),
  ),
  /** What a study would do: runs, stages that they share, time, and data that are missing. */
  'studies.plan': call(z.strictObject({ study: z.unknown() }), recordOf<StudyPlan>()),
  /** Its grid with the runs so far, and its tables beside the published numbers. */
  'studies.get': call(z.strictObject({ study }), recordOf<StudyReport>()),
} as const satisfies Calls;
