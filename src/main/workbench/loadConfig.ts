import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { experimentConfigSchema, type ExperimentConfig } from '../../shared/config.ts';
import { BadInput } from './errors.ts';

/** Validates a config from a named place. @throws BadInput with a line for each problem */
export function parseConfig(value: unknown, place: string): ExperimentConfig {
  const parsed = experimentConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BadInput(
    invalid(`${place} is no valid experiment`, problemsOf(parsed.error, experimentConfigSchema, value)),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * A config as it was stored with its run, defaults filled in by the program of its day. What was not computed then stays
 * uncomputed: without a word on falsification or on the noise attack there was none.
 * @throws BadInput for a config of another version
 */
export function parseStoredConfig(value: unknown, run: number): ExperimentConfig {
  const config = structuredClone(value);
  if (isObject(config)) {
    config['noiseAttack'] ??= { enabled: false };
    if (isObject(config['certification'])) config['certification']['falsification'] ??= { enabled: false };
  }
  return parseConfig(config, `the stored config of run ${run}`);
}

/** A line for each problem, under what they are problems of. */
export const invalid = (sentence: string, problems: readonly string[]): string =>
  `${sentence}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;

/** What a schema finds wrong with a value: key, what is allowed, what was got. */
export function problemsOf(error: z.ZodError, schema: z.ZodType, value: unknown): string[] {
  return error.issues.map((issue) => describeIssue(issue, schema, value));
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): string {
  const path = issue.path.map(String);
  const key = path.join('.') || '(top level)';
  if (issue.code === 'unrecognized_keys') {
    const prefix = path.length === 0 ? '' : `${path.join('.')}.`;
    return issue.keys.map((name) => `${prefix}${name}: unknown key${allowedKeys(schema, path)}`).join('\n  ');
  }
  // A bare value may stand for an object, as a procedure's name does.
  const inside = (at: unknown, part: string): unknown =>
    typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : at;
  const value = path.reduce(inside, root);
  const got = value === undefined ? 'missing' : `got ${JSON.stringify(value)}`;
  return `${key}: ${issue.message} (${got})`;
}

/** The keys that the schema allows at a path, as far as it is made of plain objects. */
function allowedKeys(schema: z.ZodType, path: readonly string[]): string {
  const json = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  const at = path.reduce<JsonSchema | undefined>(
    (at, part) => (/^\d+$/.test(part) ? at?.items : at?.properties?.[part]),
    json,
  );
  return at?.properties === undefined ? '' : ` (allowed: ${Object.keys(at.properties).join(', ')})`;
}
interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** Reads a config file. @throws BadInput when it cannot be read, is not JSON or not valid */
export function readConfigFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BadInput(`cannot read the config "${file}": ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadInput(`the config "${file}" is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Applies `--set key.path=value`: the value is JSON where it parses as such, else a string.
 * @throws BadInput for an assignment without "="
 */
export function withAssignments(config: unknown, assignments: readonly string[]): unknown {
  const copy = structuredClone(config) as Record<string, unknown>;
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    if (at < 1) throw new BadInput(`--set ${assignment}: expected key=value, e.g. --set certification.sigma=0.25`);
    assign(copy, assignment.slice(0, at).split('.'), jsonOrText(assignment.slice(at + 1)));
  }
  return copy;
}

function assign(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    if (typeof next !== 'object' || next === null) at[part] = {};
    at = at[part] as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
