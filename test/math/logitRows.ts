import fc from 'fast-check';

export interface LogitRows {
  /** K */
  readonly classes: number;
  /** [n, K], row-major */
  readonly logits: Float32Array;
}

/** [n, K] logits of n ≥ 1 draws with few values, so that ties, NaN and infinities are common. */
export const logitRows = ({ maxDraws }: { readonly maxDraws: number }): fc.Arbitrary<LogitRows> =>
  fc
    .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: maxDraws }))
    .chain(([classes, draws]) =>
      fc
        .array(logit, { minLength: classes * draws, maxLength: classes * draws })
        .map((values) => ({ classes, logits: Float32Array.from(values) })),
    );

const logit = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -2, max: 2 }) },
  { weight: 20, arbitrary: fc.float({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
);
