import { cacheRoot, findBindingSources, installFolder, readMarker } from './cache.ts';
import type { BindingSources, InstallMarker } from './cache.ts';
import type { Environment } from './command.ts';
import type { Unavailable } from './outcome.ts';
import { unavailable } from './outcome.ts';
import { chooseVariant, hasNvidiaDriver, noWheel } from './variant.ts';
import { wheelSet } from './wheels.ts';
import type { Variant } from './wheels.ts';

export interface Installed {
  readonly status: 'ready';
  readonly variant: Variant;
  readonly folder: string;
  readonly marker: InstallMarker;
}

/** What the cache holds of each variant, or why this process cannot use it. */
export type InstalledVariants = Readonly<Record<Variant, Installed | Unavailable>> & {
  /** Whether there is an NVIDIA driver. */
  readonly driver: boolean;
};

/**
 * Looks, without changing anything, for installations that this machine can use, in the words of the same outcomes
 * as an installation. PTW_TENSORFLOW narrows it to one variant, or to none.
 */
export async function findInstalled(
  env: Environment = process.env,
  {
    platform = process.platform,
    arch = process.arch,
    sources = findBindingSources(),
    hasDriver = () => hasNvidiaDriver(env),
  }: {
    readonly platform?: string;
    readonly arch?: string;
    readonly sources?: BindingSources | null;
    readonly hasDriver?: () => Promise<boolean>;
  } = {},
): Promise<InstalledVariants> {
  const driver = await hasDriver();
  const choice = await chooseVariant(env, () => Promise.resolve(driver));
  const look = (variant: Variant): Installed | Unavailable => {
    if (choice.status === 'unavailable') return choice;
    if (wheelSet(platform, arch, variant) === null) return noWheel(platform, arch, variant);
    if (sources === null) {
      return unavailable('package-absent', 'The optional package @tensorflow/tfjs-node-gpu is absent.');
    }
    if (choice.by === 'user' && choice.variant !== variant) {
      return unavailable(
        'chosen-other',
        `PTW_TENSORFLOW=${choice.variant} chooses the other variant.`,
        `Unset PTW_TENSORFLOW or set it to ${variant}.`,
      );
    }
    const folder = installFolder(cacheRoot(env), variant, sources);
    const marker = readMarker(folder);
    if (marker !== null) return { status: 'ready', variant, folder, marker };
    return notInstalled(variant, driver);
  };
  return { cuda: look('cuda'), cpu: look('cpu'), driver };
}

function notInstalled(variant: Variant, driver: boolean): Unavailable {
  if (variant === 'cuda' && !driver) {
    return unavailable(
      'no-driver',
      'No NVIDIA driver was found.',
      "Install the driver of the GPU's vendor, then run: npm run setup:tensorflow",
    );
  }
  return unavailable(
    'not-installed',
    `TensorFlow for ${variant} is not installed.`,
    `Run: PTW_TENSORFLOW=${variant} npm run setup:tensorflow`,
  );
}
