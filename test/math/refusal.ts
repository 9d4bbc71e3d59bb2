import { expect } from 'vitest';

/** A call that must be refused, and how its message must begin: operation and what it got. */
export interface Refusal {
  readonly call: () => unknown;
  readonly says: string;
}

/** The call ends in a RangeError that reads: operation, got, expected, way out. */
export function expectRefusal({ call, says }: Refusal): void {
  expect(call).toThrow(RangeError);
  expect(call).toThrow(/^[^:]+: got .+, expected .+; .+$/);
  expect(call).toThrow(says);
}

/** A row a refusal, for it.each. */
export const rows = (refusals: readonly (readonly [says: string, call: () => unknown])[]): Refusal[] =>
  refusals.map(([says, call]) => ({ says, call }));
