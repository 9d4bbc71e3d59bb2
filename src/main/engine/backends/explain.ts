import type { InstalledVariants } from '../native/installed.ts';
import type { LoadedTensorFlow } from '../native/load.ts';
import type { Unavailable } from '../native/outcome.ts';
import type { Variant } from '../native/wheels.ts';
import type { BackendName } from './openBackend.ts';
import type { WebgpuUnavailable } from './webgpuAdapter.ts';

/** A backend as the order of choice tells them apart, first choice first. */
const CANDIDATES = ['tensorflow-cuda', 'webgpu', 'tensorflow-cpu', 'wasm'] as const;
type Candidate = (typeof CANDIDATES)[number];

const TITLES: Readonly<Record<Candidate, string>> = {
  'tensorflow-cuda': 'TensorFlow on CUDA',
  webgpu: 'WebGPU on a GPU',
  'tensorflow-cpu': 'TensorFlow on the CPU',
  wasm: 'wasm',
};

/** A backend that does not serve, why, and what to do to have it: one sentence each. */
export interface NotChosen {
  readonly backend: Candidate;
  readonly reason: string;
  readonly cure: string;
}

/** A TensorFlow that this process has loaded. */
export interface Native {
  readonly variant: Variant;
  readonly loaded: LoadedTensorFlow;
}

/** What came of the backends that were tried. */
export interface Attempts {
  native: Native | null;
  /** Installations that were there and did not load. */
  readonly failures: Partial<Record<Variant, Unavailable>>;
  /** Null when webgpu serves, or was not tried. */
  webgpu: WebgpuUnavailable | null;
}

interface Situation {
  readonly installed: InstalledVariants;
  readonly attempts: Attempts;
  readonly demanded: BackendName | null;
  readonly serving: { readonly name: BackendName };
}

/** Every backend but the one that serves, in the order of choice. */
export function explainOthers(situation: Situation): NotChosen[] {
  const serving = servingCandidate(situation);
  return CANDIDATES.filter((backend) => backend !== serving).map((backend) => ({
    backend,
    ...explain(backend, serving, situation),
  }));
}

function servingCandidate({ serving: { name }, attempts: { native } }: Situation): Candidate {
  if (name !== 'tensorflow') return name;
  return native!.loaded.usesGpu ? 'tensorflow-cuda' : 'tensorflow-cpu';
}

type Explanation = Omit<NotChosen, 'backend'>;

function explain(backend: Candidate, serving: Candidate, situation: Situation): Explanation {
  const { attempts, demanded } = situation;
  const found = whatIsMissing(backend, situation);
  if (found !== null) return found;
  const name = backend.startsWith('tensorflow') ? 'tensorflow' : (backend as BackendName);
  if (demanded !== null && demanded !== name) {
    return {
      reason: `The ${demanded} backend was demanded.`,
      cure: `Unset PTW_BACKEND, or set it to ${name}.`,
    };
  }
  if (backend === 'tensorflow-cuda') return cudaWithoutGpu(attempts.native);
  // Both builds are installed, and a process can hold one.
  if (name === 'tensorflow' && serving === 'tensorflow-cuda') {
    return { reason: 'The CUDA build serves.', cure: 'Set PTW_TENSORFLOW=cpu to use the other.' };
  }
  return {
    reason: `${TITLES[serving]} serves, and is faster.`,
    cure: `Set PTW_BACKEND=${name} to use it all the same.`,
  };
}

/** What this machine lacks for a backend; null where it lacks nothing, or was not asked. */
function whatIsMissing(backend: Candidate, { installed, attempts }: Situation): Explanation | null {
  if (backend === 'wasm') return null;
  if (backend === 'webgpu') return attempts.webgpu === null ? null : explanationOf(attempts.webgpu);
  const variant = backend === 'tensorflow-cuda' ? 'cuda' : 'cpu';
  // The cuda build computes on the CPU as well, so it is what would serve there.
  const { native } = attempts;
  if (variant === 'cpu' && native?.variant === 'cuda' && !native.loaded.usesGpu) return null;
  const found = attempts.failures[variant] ?? installed[variant];
  return found.status === 'unavailable' ? explanationOf(found) : null;
}

const explanationOf = ({ reason, cure }: Explanation): Explanation => ({ reason, cure });

/** The cuda build is installed, and no GPU computes for it. */
function cudaWithoutGpu(native: Native | null): Explanation {
  return native?.variant === 'cuda'
    ? {
        reason: 'The CUDA build is loaded, but TensorFlow found no GPU that it can use.',
        cure: 'Set TF_CPP_MIN_LOG_LEVEL=0 and run: ptw doctor, to read why.',
      }
    : { reason: 'No NVIDIA driver was found.', cure: 'Install the driver of the GPU.' };
}
