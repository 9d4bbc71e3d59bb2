import { lastTellingLine, runCommand } from './command.ts';
import type { Environment } from './command.ts';
import { stop } from './outcome.ts';
import type { PythonTools } from './pip.ts';
import { saysDiskFull } from './pip.ts';
import type { Wheel } from './wheels.ts';

/**
 * Unpacks the members that begin with a prefix, as a stream, and keeps the executable bit (nvidia's ptxas needs it),
 * which Python's own extract drops. A member that would leave the target is an error.
 */
const UNPACK_PROGRAM = `
import os, shutil, sys, zipfile
wheel, target, *prefixes = sys.argv[1:]
root = os.path.realpath(target)
count = 0
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if name.endswith("/") or not name.startswith(tuple(prefixes)):
            continue
        path = os.path.realpath(os.path.join(root, name))
        if not path.startswith(root + os.sep):
            sys.exit("member outside the target: " + name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        os.chmod(path, 0o755 if member.external_attr >> 16 & 0o100 else 0o644)
        count += 1
if count == 0:
    sys.exit("no member begins with " + " or ".join(prefixes))
`;

/** Unpacks what a wheel's table row names into `target`; stops the installation on failure. */
export async function unpackWheel(
  tools: PythonTools,
  { wheel, file, target }: { readonly wheel: Wheel; readonly file: string; readonly target: string },
  env: Environment,
): Promise<void> {
  const result = await runCommand(tools.python, ['-c', UNPACK_PROGRAM, file, target, ...wheel.members], env);
  if (result.status === 0) return;
  if (saysDiskFull(result.output)) stop('disk-full', `The disk filled up while ${wheel.file} was unpacked.`);
  stop('unpack-failed', `Unpacking ${wheel.file} failed: ${lastTellingLine(result.output)}`);
}
