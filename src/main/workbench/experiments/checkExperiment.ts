import { experimentConfigSchema, type ExperimentConfig } from '../../../shared/config.ts';
import { checkConfig } from '../checkConfig.ts';
import { BadInput } from '../errors.ts';
import { DataError } from '../../data/dataError.ts';
import { problemsOf } from '../loadConfig.ts';

export interface ConfigProblem {
  /** A key such as "heads.0.layers"; "" for none or several. */
  readonly path: string;
  readonly message: string;
}

/** What is wrong with a config: each key by itself, and where nothing is, what cannot work together. */
export function checkExperiment(value: unknown): {
  readonly problems: readonly ConfigProblem[];
  readonly config: ExperimentConfig | null;
} {
  const parsed = experimentConfigSchema.safeParse(value);
  if (!parsed.success) {
    const texts = problemsOf(parsed.error, experimentConfigSchema, value).flatMap((text) => text.split('\n  '));
    return { problems: texts.map(problemIn), config: null };
  }
  try {
    checkConfig(parsed.data);
    return { problems: [], config: parsed.data };
  } catch (error) {
    return { problems: problemsThrown(error), config: null };
  }
}

/** The problems that a refusal lists a line each. @throws what is no refusal */
export function problemsThrown(error: unknown): ConfigProblem[] {
  if (!(error instanceof BadInput) && !(error instanceof DataError)) throw error;
  const [first, ...lines] = error.message.split('\n');
  return lines.length === 0 ? [{ path: '', message: first }] : lines.map((line) => problemIn(line.trim()));
}

/** "key: what is wrong" taken apart; a sentence that begins with no key is of none. */
function problemIn(text: string): ConfigProblem {
  const match = /^([\w.[\]-]+): (.*)$/s.exec(text);
  if (match === null) return { path: '', message: text };
  return { path: match[1].replaceAll(/\[(\d+)\]/g, '.$1'), message: match[2] };
}
