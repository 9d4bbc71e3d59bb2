import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { studySchema, type Study } from '../../../shared/study.ts';
import { BadInput } from '../errors.ts';
import { invalid, problemsOf, readConfigFile, withAbsoluteFolders, withAssignments } from '../loadConfig.ts';

const FOLDER = fileURLToPath(new URL('../../../../resources/studies/', import.meta.url));

export function studyPresetNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** A study and the document that it was read from, by which it is known again. */
export interface LoadedStudy {
  readonly study: Study;
  readonly document: unknown;
}

/**
 * The study of a preset's name or a file's path; `--set` assignments change its base.
 * @throws BadInput
 */
export function loadStudy(presetOrFile: string, assignments: readonly string[] = []): LoadedStudy {
  const preset = studyPresetNames().includes(presetOrFile);
  if (!preset && !existsSync(presetOrFile)) {
    throw new BadInput(
      `"${presetOrFile}" is neither a study's preset nor a file; presets are: ${studyPresetNames().join(', ')}`,
    );
  }
  const file = preset ? `${FOLDER}${presetOrFile}.json` : presetOrFile;
  const document = withFolders(readConfigFile(file), path.dirname(file));
  const place = preset ? `the preset "${presetOrFile}"` : `"${presetOrFile}"`;
  return parseStudy(withBase(document, assignments), place);
}

/** Folders of images are taken relative to the study's file; the document has them absolute, so that a stored study finds them. */
function withFolders(document: unknown, base: string): unknown {
  if (typeof document !== 'object' || document === null || !('transfers' in document)) return document;
  const { transfers } = document;
  if (!Array.isArray(transfers)) return document;
  return { ...document, transfers: transfers.map((transfer: unknown) => withAbsoluteFolders(transfer, base)) };
}

function withBase(document: unknown, assignments: readonly string[]): unknown {
  if (assignments.length === 0 || typeof document !== 'object' || document === null) return document;
  const { base } = document as { readonly base?: unknown };
  return { ...document, base: withAssignments(base ?? {}, assignments) };
}

/** @throws BadInput with a line for each problem */
export function parseStudy(document: unknown, place: string): LoadedStudy {
  const parsed = studySchema.safeParse(document);
  if (parsed.success) return { study: parsed.data, document };
  throw new BadInput(invalid(`${place} is no valid study`, problemsOf(parsed.error, studySchema, document)));
}
