import { DataError } from '../dataError.ts';
import { REPLACE, UnpackedSource, withFile, type ByteSource } from '../byteSource.ts';
import { tarMembers } from '../tar.ts';

/** The name of a layout's one file where a set comes as an archive. */
export const ARCHIVE = 'archive';

/**
 * Reads the named files of a set, each by its own name: out of its tar.gz in one pass, or as they lie in a folder.
 * @param of.found what was read already; the archive is read no further once all are
 * @throws DataError where the archive lacks one
 */
export function fromMembers(
  of: {
    readonly files: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    readonly found: ReadonlyMap<string, unknown>;
  },
  read: (name: string, source: ByteSource) => void,
): void {
  const { files, names, found } = of;
  if (!(ARCHIVE in files)) {
    for (const name of names) withFile(files[name], (source) => read(name, source));
    return;
  }
  withFile(files[ARCHIVE], (source) => {
    for (const { name, contents } of tarMembers(new UnpackedSource(source))) {
      const base = name.slice(name.lastIndexOf('/') + 1);
      if (names.includes(base) && !found.has(base)) read(base, contents);
      if (names.every((one) => found.has(one))) return;
    }
  });
  const missing = names.filter((name) => !found.has(name));
  if (missing.length === 0) return;
  throw new DataError({
    operation: 'reading the archive',
    file: files[ARCHIVE],
    quantity: 'files in it',
    got: `none called ${missing.join(', ')}`,
    expected: names.join(', '),
    cure: REPLACE,
  });
}
