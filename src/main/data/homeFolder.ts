import { homedir } from 'node:os';
import { DataError } from './dataError.ts';

/**
 * The user's home. @param variable what says without a home where the files are that are looked for
 * @throws DataError naming the variable where HOME is not set and the system does not know the user, as in some containers
 */
export function homeFolder(variable: string): string {
  try {
    return homedir();
  } catch (cause) {
    throw new DataError({
      operation: "looking for the user's home",
      quantity: 'HOME',
      got: 'none, and the system knows none for this user',
      expected: 'a folder',
      cure: `set HOME, or say with ${variable} which folder to use`,
      cause,
    });
  }
}
