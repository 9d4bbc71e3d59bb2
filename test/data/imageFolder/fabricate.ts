import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encode } from 'fast-png';

export interface Fabricated {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** [height, width, channels] */
  readonly values: Uint8Array;
}

export const emptyRoot = (): string => mkdtempSync(path.join(tmpdir(), 'ptw-images-'));

/** Writes files of a tree, by path from the root. @returns the root */
export function writeTree(files: Readonly<Record<string, Uint8Array | string>>, root = emptyRoot()): string {
  for (const [name, contents] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  return root;
}

export function pngFile({ height, width, channels, values }: Fabricated): Uint8Array {
  return encode({ height, width, channels, data: values, depth: 8 });
}

/** An image that is bright in a patch whose place says its class, with noise that tells images apart. */
export function patchImage(label: number, image: number, { height, width, channels }: Omit<Fabricated, 'values'>) {
  const values = new Uint8Array(height * width * channels);
  const [top, left] = [(label * 3) % (height - 2), (label * 5) % (width - 2)];
  for (let i = 0; i < values.length; i++) {
    const [row, column] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
    const inside = row >= top && row < top + 3 && column >= left && column < left + 3;
    values[i] = (inside ? 180 : 20) + ((i * 7 + image * 13 + label * 29) % 40);
  }
  return { height, width, channels, values };
}

export interface FolderPlan extends Omit<Fabricated, 'values'> {
  readonly classes: readonly string[];
  /** Images of each class. */
  readonly train: number;
  readonly test: number;
}

/** A folder of fabricated images. @returns its root */
export function fabricateFolder({ classes, train, test, ...shape }: FolderPlan, root = emptyRoot()): string {
  const files = classes.flatMap((name, label) =>
    Object.entries({ train, test }).flatMap(([part, count]) =>
      Array.from({ length: count }, (_, i) => {
        const image = patchImage(label, part === 'train' ? i : 1_000 + i, shape);
        return [`${part}/${name}/${String(i).padStart(4, '0')}.png`, pngFile(image)] as const;
      }),
    ),
  );
  return writeTree(Object.fromEntries(files), root);
}
