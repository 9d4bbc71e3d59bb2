import { InvalidArgumentError, type Command } from 'commander';

/** What the file of a command needs of the program it is added to. */
export interface CommandContext {
  readonly program: Command;
  /** Of the database. */
  readonly folder: string;
  /** Whether one JSON document is to be printed on standard output. */
  readonly json: () => boolean;
}

/** @throws InvalidArgumentError unless the text is the number of a run */
export function runId(text: string): number {
  const id = Number(text);
  if (!Number.isInteger(id) || id < 1)
    throw new InvalidArgumentError('expected the number of a run; list them with: ptw runs');
  return id;
}

/** For options that may be repeated. */
export const collect = (value: string, before: string[]): string[] => [...before, value];
