/**
 * P(|T| ≤ t) of Student's distribution, by the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and
 * 26.7.4). For reading tables of means; no certificate rests on it. Error below 1e-12.
 * @throws RangeError unless t ≥ 0 and the degrees of freedom are a positive integer
 */
export function studentTCentral(t: number, degreesOfFreedom: number): number {
  if (!(t >= 0) || !Number.isSafeInteger(degreesOfFreedom) || degreesOfFreedom < 1) {
    throw new RangeError(
      `Student's t: got t = ${t} and ${degreesOfFreedom} degrees of freedom, expected t ≥ 0 and a positive integer`,
    );
  }
  const angle = Math.atan(t / Math.sqrt(degreesOfFreedom));
  const cosine = Math.cos(angle);
  const isOdd = degreesOfFreedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degreesOfFreedom === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= degreesOfFreedom - 2; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/**
 * The t with P(|T| ≤ t) = confidence, to twelve digits.
 * @throws RangeError unless 0 < confidence < 1; as studentTCentral
 */
export function studentTQuantile(confidence: number, degreesOfFreedom: number): number {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Student's t: got confidence ${confidence}, expected a number in (0, 1)`);
  }
  let high = 1;
  while (studentTCentral(high, degreesOfFreedom) < confidence) high *= 2;
  let low = 0;
  while (high - low > 1e-13 * high) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTCentral(middle, degreesOfFreedom) < confidence) low = middle;
    else high = middle;
  }
  return high;
}
