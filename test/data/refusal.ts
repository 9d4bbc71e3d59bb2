import { DataError } from '../../src/main/data/dataError.ts';

/** The DataError that `work` ends in; anything else, success included, fails the test. */
export function refusalOf(work: () => unknown): DataError {
  try {
    work();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('got no refusal, expected a DataError');
}
