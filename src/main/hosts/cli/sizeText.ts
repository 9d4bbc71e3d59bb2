/** A size in decimal units, with as many digits as tell something. */
export function sizeText(bytes: number): string {
  const value = bytes / 1e6;
  if (value < 1) return `${Math.ceil(bytes / 1000)} kB`;
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} MB`;
}
