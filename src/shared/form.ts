/**
 * The fields of a form, from a JSON schema of zod's (io: input): every leaf of the config with its label, help and what is allowed, so
 * that the form says what the schema says.
 */

/** What zod writes, as far as configs use it. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

interface Facts {
  readonly key: string;
  readonly label: string;
  readonly help: string;
  /** What its number counts or measures, where the help says it; "" where it says none. */
  readonly unit: string;
  /** Undefined where the config must say it, or says it by leaving it out. */
  readonly fallback: unknown;
  readonly isOptional: boolean;
}
export type Field = Facts &
  (
    | { readonly kind: 'group'; readonly fields: readonly Field[] }
    | { readonly kind: 'list'; readonly item: Field }
    /** Any of these, in an order that does not matter. */
    | { readonly kind: 'set'; readonly choices: readonly (string | number)[] }
    | { readonly kind: 'numbers'; readonly allowed: string }
    | { readonly kind: 'choice'; readonly choices: readonly (string | number)[] }
    /** One of several shapes: a name, or an object. */
    | {
        readonly kind: 'either';
        readonly choices: readonly string[];
        readonly group: Field & { readonly kind: 'group' };
      }
    | { readonly kind: 'flag' }
    | { readonly kind: 'text' }
    | { readonly kind: 'number'; readonly isWhole: boolean; readonly allowed: string }
  );

export function fieldOf(key: string, schema: JsonSchema, isRequired: boolean): Field {
  const facts: Facts = {
    key,
    label: labelOf(key),
    help: schema.description ?? '',
    unit: unitOf(schema),
    fallback: schema.default,
    isOptional: !isRequired && schema.default === undefined,
  };
  const constants = constantsOf(schema);
  if (constants !== null) return { ...facts, kind: 'choice', choices: constants };
  if (schema.anyOf !== undefined) return eitherOf(facts, schema.anyOf);
  switch (schema.type) {
    case 'object':
      return { ...facts, kind: 'group', fields: fieldsOf(schema) };
    case 'array': {
      const { items = {} } = schema;
      const choices = constantsOf(items);
      if (choices !== null) return { ...facts, kind: 'set', choices };
      if (isNumeric(items)) return { ...facts, kind: 'numbers', allowed: allowedText(items) };
      return { ...facts, kind: 'list', item: fieldOf('', items, true) };
    }
    case 'boolean':
      return { ...facts, kind: 'flag' };
    case 'number':
    case 'integer':
      return { ...facts, kind: 'number', isWhole: schema.type === 'integer', allowed: allowedText(schema) };
    case 'string':
    case undefined:
    default:
      return { ...facts, kind: 'text' };
  }
}

export function fieldsOf({ properties = {}, required = [] }: JsonSchema): Field[] {
  return Object.entries(properties).map(([key, schema]) => fieldOf(key, schema, required.includes(key)));
}

function eitherOf(facts: Facts, options: readonly JsonSchema[]): Field {
  const choices = options.flatMap((option) => constantsOf(option) ?? []).map(String);
  const group = options.find(({ properties }) => properties !== undefined);
  if (group === undefined) return { ...facts, kind: 'choice', choices };
  return {
    ...facts,
    kind: 'either',
    choices,
    group: { ...facts, help: group.description ?? '', kind: 'group', fields: fieldsOf(group) },
  };
}

/** The values of an enumeration; null where the schema is none. */
function constantsOf(schema: JsonSchema): (string | number)[] | null {
  const isPlain = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';
  if (isPlain(schema.const)) return [schema.const];
  if (schema.enum !== undefined) return schema.enum.filter(isPlain);
  const parts = schema.anyOf?.map(constantsOf) ?? [];
  return parts.length > 0 && parts.every((part) => part !== null) ? parts.flat() : null;
}

/** zod's bounds of safe integers say nothing to a person. */
function allowedText({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const least = exclusiveMinimum ?? minimum;
  const greatest = exclusiveMaximum ?? maximum;
  const bounds = [
    ...(least === undefined || least <= Number.MIN_SAFE_INTEGER
      ? []
      : [`${exclusiveMinimum === undefined ? '≥' : '>'} ${least}`]),
    ...(greatest === undefined || greatest >= Number.MAX_SAFE_INTEGER
      ? []
      : [`${exclusiveMaximum === undefined ? '≤' : '<'} ${greatest}`]),
  ];
  return [type === 'integer' ? 'a whole number' : 'a number', ...bounds].join(' ');
}

/** In the words that descriptions use for units, longest first. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/in units of certification\.sigma/, 'σ'],
  [/normalised units/, 'normalised units'],
  [/^Pixels\b/, 'pixels'],
  [/as a share of epsilon/, 'of epsilon'],
  [/^Share of\b/, 'share'],
  [/probability\b/, 'probability'],
  [/^Epochs\b/, 'epochs'],
];
function unitOf(schema: JsonSchema): string {
  const { description = '' } = schema;
  return isNumeric(schema) ? (UNITS.find(([words]) => words.test(description))?.[1] ?? '') : '';
}
const isNumeric = ({ type }: JsonSchema): boolean => type === 'number' || type === 'integer';

/** "relativeStep" → "Relative step" */
function labelOf(key: string): string {
  const words = key.replaceAll(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`);
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

/** What a new item of a list begins with: the first choice of what must be said, and nothing of what has a default. */
export function initialValue(field: Field): unknown {
  switch (field.kind) {
    case 'group':
      return Object.fromEntries(
        field.fields
          .filter(({ fallback, isOptional }) => fallback === undefined && !isOptional)
          .map((inner) => [inner.key, initialValue(inner)]),
      );
    case 'list':
      return [initialValue(field.item)];
    case 'set':
      return [...field.choices];
    case 'numbers':
      return [1];
    case 'choice':
      return field.choices[0];
    case 'either':
      return field.choices[0];
    case 'flag':
      return false;
    case 'text':
      return '';
    case 'number':
      return 1;
  }
}

/** Paths of all fields that a form shows for a config, as "heads.0.layers": where a problem can stand. Items of lists have no place of their own. */
export function shownPaths(fields: readonly Field[], config: unknown, prefix = ''): string[] {
  return fields.flatMap((field) => {
    const path = prefix === '' ? field.key : `${prefix}.${field.key}`;
    const value = isObject(config) ? config[field.key] : undefined;
    return [path, ...pathsInside(field, { value, path })];
  });
}

function pathsInside(field: Field, { value, path }: { readonly value: unknown; readonly path: string }): string[] {
  switch (field.kind) {
    case 'group':
      return value === undefined && field.isOptional ? [] : shownPaths(field.fields, value, path);
    case 'list': {
      const { item } = field;
      if (item.kind !== 'group' || !Array.isArray(value)) return [];
      return value.flatMap((one: unknown, i) => shownPaths(item.fields, one, `${path}.${i}`));
    }
    case 'either':
      return isObject(value) ? shownPaths(field.group.fields, value, path) : [];
    // What is wrong with one of them stands at the field.
    case 'numbers':
      return Array.isArray(value) ? value.map((_, i) => `${path}.${i}`) : [];
    case 'set':
      return [];
    case 'choice':
    case 'flag':
    case 'number':
    case 'text':
      return [];
  }
}
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
