import { expect } from 'vitest';

/** The error that a promise is rejected with. */
export const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable('was not rejected'),
    (error: unknown) => error as Error,
  );
