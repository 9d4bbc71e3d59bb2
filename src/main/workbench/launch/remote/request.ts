import { join } from 'node:path';
import { z } from 'zod';
import { LAUNCHERS, launchSettingsSchema } from '../../../../shared/launch.ts';
import type { Store } from '../../../store/store.ts';
import { parseStudy } from '../../studies/loadStudy.ts';
import { knownIn, planLaunch, readFromElsewhere, writeLaunch, type Known } from '../createLaunch.ts';
import { launchFileSchema, type LaunchFile } from '../launchFile.ts';
import { launchesOf } from '../prepareHere.ts';
import { previewScripts } from '../preview.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What a desktop asks of the login node that it sends from. */
export const planRequestSchema = z.object({
  launcher: z.enum(LAUNCHERS),
  document: z.unknown(),
  settings: launchSettingsSchema,
  /** Stages that the desktop has, with the hash of their weights if they have any. */
  known: z.record(hash, hash.nullable()),
  /** Of a launch that was planned before. */
  name: z.string().nullable(),
});
export type PlanRequest = z.infer<typeof planRequestSchema>;

export const planAnswerSchema = z.object({
  launch: launchFileSchema,
  folder: z.string(),
  scripts: z.array(
    z.object({ kind: z.string(), tasks: z.number().int(), after: z.array(z.string()), text: z.string() }),
  ),
  /** Hashes of the desktop's weights that tasks read. */
  wanted: z.array(hash),
});
export type PlanAnswer = z.infer<typeof planAnswerSchema>;

/**
 * Answers it. A launch that is made waits for the weights that are wanted, and to be sent.
 * @param store of the login node; null where nothing was run there yet
 */
export function answerPlan(
  { request, home, store }: { readonly request: PlanRequest; readonly home: string; readonly store: Store | null },
  isMade: boolean,
): PlanAnswer {
  const { launcher, settings } = request;
  const loaded = parseStudy(request.document, 'the study');
  const ours = store === null ? null : knownIn(store);
  const known: Known = {
    has: (key) => key in request.known || (ours?.has(key) ?? false),
    weights: (key) => ours!.weights(key),
  };
  const planned = planLaunch({ launcher, loaded, settings: { ...settings, ssh: undefined }, known });
  const launch: LaunchFile = { ...planned, name: request.name ?? planned.name };
  // The desktop's before ours: what was computed with them there goes into its database.
  const given = Object.fromEntries(
    [...readFromElsewhere(launch)].flatMap((key) => {
      const theirs = request.known[key] as string | null | undefined;
      return typeof theirs === 'string' ? [[key, theirs] as const] : [];
    }),
  );
  const parent = launchesOf(home);
  const folder = join(settings.folder ?? parent, launch.name);
  if (isMade) writeLaunch({ ...launch, given }, { known, parent, settings });
  return {
    launch: { ...launch, given },
    folder,
    scripts:
      launcher === 'slurm' ? previewScripts(launch, folder).map((one) => ({ ...one, after: [...one.after] })) : [],
    wanted: [...new Set(Object.values(given))],
  };
}
