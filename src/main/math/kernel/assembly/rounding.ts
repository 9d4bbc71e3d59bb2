// As math/rounding.ts has them, operation by operation.

const EPS: f64 = f64.EPSILON;
const UNDERFLOW: f64 = 9.332636185032189e-302; // 2^-1000

export function sumError(operations: i32, absoluteSum: f64): f64 {
  return <f64>(operations + 2) * EPS * absoluteSum + UNDERFLOW;
}

export function roundedDown(value: f64, ulps: f64): f64 {
  return value - (abs(value) * ulps * EPS + UNDERFLOW);
}

export function roundedUp(value: f64, ulps: f64): f64 {
  return value + (abs(value) * ulps * EPS + UNDERFLOW);
}
