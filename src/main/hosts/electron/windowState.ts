import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface WindowState {
  readonly bounds: Rectangle | null;
  readonly isMaximised: boolean;
}

const schema = z.object({
  bounds: z.object({ x: z.int(), y: z.int(), width: z.int().min(400), height: z.int().min(300) }).nullable(),
  isMaximised: z.boolean(),
});
const FRESH: WindowState = { bounds: null, isMaximised: false };

/** As the window was left; a place on no display of now is forgotten, and so is what cannot be read. */
export function readWindowState(file: string, displays: readonly Rectangle[]): WindowState {
  try {
    const state = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const isSeen = state.bounds !== null && displays.some((display) => overlap(display, state.bounds!) > MUST_BE_SEEN);
    return { ...state, bounds: isSeen ? state.bounds : null };
  } catch {
    return FRESH;
  }
}

/** A whole file or the one before. */
export function writeWindowState(file: string, state: WindowState): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

/** Pixels of area; a window of which less is on a display is out of reach. */
const MUST_BE_SEEN = 100 * 100;

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}
