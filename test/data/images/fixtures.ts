import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/images');

/** Written by test/fixtures/images/make.py. */
export const imageFixture = (name: string): string => path.join(FOLDER, name);

export const imageBytes = (name: string): Uint8Array => readFileSync(imageFixture(name));

export interface ExpectedImage {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Base64, as Pillow decodes the file. */
  readonly pixels: string;
}

export const EXPECTED = JSON.parse(readFileSync(imageFixture('expected.json'), 'utf8')) as Readonly<
  Record<string, ExpectedImage>
>;

/** Names of all images, those that are refused included. */
export const IMAGES: readonly string[] = readdirSync(FOLDER).filter((name) => /\.(png|jpg)$/.test(name));
