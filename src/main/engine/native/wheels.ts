/** Version of TensorFlow whose C library the binding is compiled against. */
export const TENSORFLOW_VERSION = '2.21.0';

export const VARIANTS = ['cpu', 'cuda'] as const;
export type Variant = (typeof VARIANTS)[number];

/** One wheel as pip fetches it, pinned: another file under the same name is refused by its hash. */
export interface Wheel {
  /** What pip is asked for: `name==version`. */
  readonly requirement: string;
  /** pip's --platform; fixed, so that every pip fetches the same file whatever Python runs it. */
  readonly platform: string;
  /** The file's name as the index gives it. */
  readonly file: string;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Size on disk of the members that are unpacked, rounded up. */
  readonly unpackedBytes: number;
  /** Prefixes of the members that are unpacked; the rest (Python modules, static files) is left out. */
  readonly members: readonly string[];
}

/** What one platform and variant needs, and how its libraries are called. */
export interface WheelSet {
  readonly wheels: readonly Wheel[];
  /** Names in tensorflow/ that the binding is linked with. */
  readonly libraries: readonly string[];
}

/** The headers that the binding includes, and those that they include. */
const HEADERS = ['c', 'core/platform'].map((folder) => `tensorflow/include/tensorflow/${folder}/`);
const TSL_HEADERS = ['tsl/platform/', 'xla/tsl/c/'].map((folder) => `tensorflow/include/${folder}`);
const TENSORFLOW_MEMBERS = ['tensorflow/libtensorflow_', ...HEADERS, ...TSL_HEADERS];

type Row = readonly [requirement: string, platform: string, sha256: string, bytes: number, unpackedBytes: number];

/** Wheel names carry the name with underscores, and the tags of the build. */
function tensorflowWheel([requirement, platform, sha256, bytes, unpackedBytes]: Row): Wheel {
  const file = `${requirement.replace('-', '_').replace('==', '-')}-cp311-cp311-${platform}.whl`;
  return { requirement, platform, file, sha256, bytes, unpackedBytes, members: TENSORFLOW_MEMBERS };
}

function nvidiaWheel([name, tags, sha256, bytes, unpackedBytes]: Row): Wheel {
  const requirement = `nvidia-${name}`;
  const file = `${requirement.replaceAll('-', '_').replace('==', '-')}-py3-none-${tags}.whl`;
  // A file may be tagged for several platforms; asking for any one of them finds it.
  return { requirement, platform: tags.split('.')[0], file, sha256, bytes, unpackedBytes, members: ['nvidia/'] };
}

/**
 * The `and-cuda` extra of the tensorflow wheel gives ranges (nvidia-cublas-cu12 >=12.5.3.2,<13 and so on); these
 * versions lie in them, all of CUDA 12.9, and are pinned because a range would make two installs differ.
 */
const NVIDIA_LINUX_X64: readonly Row[] = [
  [
    'cublas-cu12==12.9.3.13',
    'manylinux_2_27_x86_64',
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
    581217458,
    856e6,
  ],
  [
    'cuda-cupti-cu12==12.9.79',
    'manylinux_2_25_x86_64',
    '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
    10814997,
    45e6,
  ],
  [
    'cuda-nvcc-cu12==12.9.86',
    'manylinux2010_x86_64.manylinux_2_12_x86_64',
    '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    40546229,
    99e6,
  ],
  [
    'cuda-nvrtc-cu12==12.9.86',
    'manylinux2010_x86_64.manylinux_2_12_x86_64',
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    89568129,
    228e6,
  ],
  [
    'cuda-runtime-cu12==12.9.79',
    'manylinux2014_x86_64.manylinux_2_17_x86_64',
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    3493179,
    10e6,
  ],
  [
    'cudnn-cu12==9.28.0.42',
    'manylinux_2_27_x86_64',
    '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
    716538495,
    1164e6,
  ],
  [
    'cufft-cu12==11.4.1.4',
    'manylinux2014_x86_64.manylinux_2_17_x86_64',
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    200877592,
    294e6,
  ],
  [
    'curand-cu12==10.3.10.19',
    'manylinux_2_27_x86_64',
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
    68295626,
    170e6,
  ],
  [
    'cusolver-cu12==11.7.5.82',
    'manylinux_2_27_x86_64',
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    338117415,
    496e6,
  ],
  [
    'cusparse-cu12==12.5.10.65',
    'manylinux2014_x86_64.manylinux_2_17_x86_64',
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    366465088,
    487e6,
  ],
  [
    'nccl-cu12==2.32.3',
    'manylinux_2_27_x86_64',
    'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
    351526311,
    491e6,
  ],
  [
    'nvjitlink-cu12==12.9.86',
    'manylinux2010_x86_64.manylinux_2_12_x86_64',
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    39748338,
    96e6,
  ],
];

const LINUX_LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const MAC_LIBRARIES = ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'];

/** Keys are `platform-arch-variant`, in Node's words. */
const WHEEL_SETS: Readonly<Record<string, WheelSet>> = {
  'linux-x64-cpu': {
    wheels: [
      tensorflowWheel([
        `tensorflow-cpu==${TENSORFLOW_VERSION}`,
        'manylinux_2_27_x86_64',
        '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
        273829956,
        860e6,
      ]),
    ],
    libraries: LINUX_LIBRARIES,
  },
  'linux-x64-cuda': {
    wheels: [
      tensorflowWheel([
        `tensorflow==${TENSORFLOW_VERSION}`,
        'manylinux_2_27_x86_64',
        '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
        572440367,
        1265e6,
      ]),
      ...NVIDIA_LINUX_X64.map(nvidiaWheel),
    ],
    libraries: LINUX_LIBRARIES,
  },
  'linux-arm64-cpu': {
    wheels: [
      tensorflowWheel([
        `tensorflow==${TENSORFLOW_VERSION}`,
        'manylinux_2_27_aarch64',
        '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
        281828020,
        890e6,
      ]),
    ],
    libraries: LINUX_LIBRARIES,
  },
  'darwin-arm64-cpu': {
    wheels: [
      tensorflowWheel([
        `tensorflow==${TENSORFLOW_VERSION}`,
        'macosx_12_0_arm64',
        '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
        223405849,
        750e6,
      ]),
    ],
    libraries: MAC_LIBRARIES,
  },
};

/** The wheels for a platform (`process.platform`) and architecture (`process.arch`); null where none are offered. */
export function wheelSet(platform: string, arch: string, variant: Variant): WheelSet | null {
  return WHEEL_SETS[`${platform}-${arch}-${variant}`] ?? null;
}

/** All sets, for tests and documentation. */
export const allWheelSets: Readonly<Record<string, WheelSet>> = WHEEL_SETS;
