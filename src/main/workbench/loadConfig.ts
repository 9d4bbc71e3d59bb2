import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { DOMAINS, experimentConfigSchema, type ExperimentConfig } from '../../shared/config.ts';
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
  return error.issues.flatMap(withinUnions).map((issue) => describeIssue(issue, schema, value));
}

/** Of a value that may be of several kinds and is of one: what is wrong with it as that kind. */
function withinUnions(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isOfKind = (issues: readonly z.core.$ZodIssue[]): boolean =>
    issues.every(({ code, path: at }) => at.length > 0 || code === 'unrecognized_keys');
  const kind = issue.errors.find(isOfKind);
  return kind?.flatMap((inner) => withinUnions({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): string {
  const keys = issue.path.map(String);
  const key = short(keys.join('.')) || '(top level)';
  if (issue.code === 'unrecognized_keys') {
    const prefix = keys.length === 0 ? '' : `${key}.`;
    return issue.keys.map((name) => `${prefix}${short(name)}: unknown key${allowedKeys(schema, keys)}`).join('\n  ');
  }
  // A bare value may stand for an object, as a procedure's name does.
  const inside = (at: unknown, part: string): unknown =>
    typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : at;
  const value = keys.reduce(inside, root);
  const got = value === undefined ? 'missing' : `got ${short(textOf(value))}`;
  return `${key}: ${issue.message} (${got})`;
}

/** What was got may be as long as a message may be, and may be something that has no JSON: bigints and cycles come over Electron's bridge. */
function textOf(value: unknown): string {
  try {
    const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) as
      string | undefined;
    return text ?? `a ${typeof value}`;
  } catch {
    return `${Object.prototype.toString.call(value)} without a text`;
  }
}

const MOST_LETTERS = 300;
const short = (text: string): string =>
  text.length <= MOST_LETTERS ? text : `${text.slice(0, MOST_LETTERS)}… (${text.length} letters)`;

/** The keys that the schema allows at a path, as far as it is made of plain objects. */
function allowedKeys(schema: z.ZodType, keys: readonly string[]): string {
  const json = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  const at = keys.reduce<JsonSchema | undefined>((at, part) => {
    const inside = /^\d+$/.test(part) ? at?.items : at?.properties?.[part];
    return inside?.anyOf?.find(({ properties }) => properties !== undefined) ?? inside;
  }, json);
  return at?.properties === undefined ? '' : ` (allowed: ${Object.keys(at.properties).join(', ')})`;
}
interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
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
 * Makes paths of image folders absolute, wherever the document names them as source or target, so that the run finds them from anywhere.
 * What else it holds, and what is no experiment at all, stays as it is.
 */
export function withAbsoluteFolders(document: unknown, base: string): unknown {
  if (!isObject(document)) return document;
  const copy = structuredClone(document);
  for (const domain of DOMAINS) {
    const data = copy[domain];
    const dataset = isObject(data) ? data['dataset'] : undefined;
    if (isObject(dataset) && typeof dataset['folder'] === 'string' && dataset['folder'] !== '') {
      dataset['folder'] = path.resolve(base, dataset['folder']);
    }
  }
  return copy;
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
    const keys = assignment.slice(0, at).split('.');
    if (keys.includes('__proto__')) throw new BadInput(`--set ${assignment}: "__proto__" is no key of a config`);
    assign(copy, keys, jsonOrText(assignment.slice(at + 1)));
  }
  return copy;
}

function assign(root: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  let at = root;
  for (const part of keys.slice(0, -1)) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined;
    if (typeof next !== 'object' || next === null) at[part] = {};
    at = at[part] as Record<string, unknown>;
  }
  at[keys.at(-1)!] = value;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
