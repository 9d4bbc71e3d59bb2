import type { DatasetName } from '../../shared/config.ts';

/** A file as its maintainers distribute it. */
export interface DistributionFile {
  readonly name: string;
  readonly bytes: number;
  /** Hex, of the file as it lies on the server. */
  readonly sha256: string;
  /** Hex, of what gzip packs in it; null where no source states it. It tells a file packed anew from a damaged one. */
  readonly contentsSha256: string | null;
  /** The maintainers' own first. All serve the same bytes, so a download may go on from another than it began at. */
  readonly addresses: readonly [official: string, ...mirrors: string[]];
}

interface Listed {
  readonly bytes: number;
  readonly sha256: string;
  readonly contentsSha256?: string;
}

/** The four files of a set of the MNIST family, all in the same folders. */
function idxFiles(
  folders: readonly [string, ...string[]],
  listed: Readonly<Record<'trainImages' | 'trainLabels' | 'testImages' | 'testLabels', Listed>>,
): readonly DistributionFile[] {
  return [
    file('train-images-idx3-ubyte.gz', folders, listed.trainImages),
    file('train-labels-idx1-ubyte.gz', folders, listed.trainLabels),
    file('t10k-images-idx3-ubyte.gz', folders, listed.testImages),
    file('t10k-labels-idx1-ubyte.gz', folders, listed.testLabels),
  ];
}

function file(
  name: string,
  [official, ...mirrors]: readonly [string, ...string[]],
  { bytes, sha256, contentsSha256 }: Listed,
): DistributionFile {
  const at = (folder: string): string => `${folder}/${name}`;
  return { name, bytes, sha256, contentsSha256: contentsSha256 ?? null, addresses: [at(official), ...mirrors.map(at)] };
}

/**
 * What each set (METHOD.md §5) is distributed as. Sizes and SHA-256 are those of TensorFlow Datasets 4.9.10
 * (url_checksums/{mnist,fashion_mnist,kmnist,cifar10}.txt, datasets/{svhn_cropped,stl10}/checksums.tsv); where else an
 * address or a number comes from stands beside it, and docs/data.md has the sources in a table.
 */
export const DISTRIBUTIONS: Readonly<Record<DatasetName, readonly DistributionFile[]>> = {
  // Mirrors: torchvision 0.29.2 (datasets/mnist.py), which tries it before the official address, often closed since
  // 2024 (pytorch/vision #8572); and the Common Visual Data Foundation's, which TensorFlow Datasets takes.
  mnist: idxFiles(
    [
      'http://yann.lecun.com/exdb/mnist',
      'https://ossci-datasets.s3.amazonaws.com/mnist',
      'https://storage.googleapis.com/cvdf-datasets/mnist',
    ],
    {
      trainImages: { bytes: 9_912_422, sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609' },
      trainLabels: { bytes: 28_881, sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c' },
      testImages: { bytes: 1_648_877, sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6' },
      testLabels: { bytes: 4_542, sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6' },
    },
  ),
  // The official address is the one of the maintainers' README; the mirror is their repository's folder, whose blobs are
  // the same files. Debian's dataset-fashion-mnist has them packed anew, with the contents below.
  'fashion-mnist': idxFiles(
    [
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
    ],
    {
      trainImages: {
        bytes: 26_421_880,
        sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
        contentsSha256: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      },
      trainLabels: {
        bytes: 29_515,
        sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
        contentsSha256: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      },
      testImages: {
        bytes: 4_422_102,
        sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
        contentsSha256: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      },
      testLabels: {
        bytes: 5_148,
        sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
        contentsSha256: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
      },
    },
  ),
  // The official address is the one of the maintainers' README; it did not answer in March 2026 (rois-codh/kmnist #29).
  // Mirror: tensorflow/swift-models, Datasets/MNIST/KuzushijiMNIST.swift.
  kmnist: idxFiles(
    [
      'http://codh.rois.ac.jp/kmnist/dataset/kmnist',
      'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/KMNIST',
    ],
    {
      trainImages: { bytes: 18_165_135, sha256: '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4' },
      trainLabels: { bytes: 29_497, sha256: 'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17' },
      testImages: { bytes: 3_041_136, sha256: 'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5' },
      testLabels: { bytes: 5_120, sha256: '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c' },
    },
  ),
  // No loader names a mirror of the .mat files: the second address asks the Internet Archive for its copy of the first,
  // unchanged (`id_`).
  svhn: [
    file(
      'train_32x32.mat',
      [
        'http://ufldl.stanford.edu/housenumbers',
        'https://web.archive.org/web/2020id_/http://ufldl.stanford.edu/housenumbers',
      ],
      { bytes: 182_040_794, sha256: '435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8' },
    ),
    file(
      'test_32x32.mat',
      [
        'http://ufldl.stanford.edu/housenumbers',
        'https://web.archive.org/web/2020id_/http://ufldl.stanford.edu/housenumbers',
      ],
      { bytes: 64_275_384, sha256: 'cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b' },
    ),
  ],
  // Mirrors: tensorflow/swift-models, Datasets/CIFAR10/CIFAR10.swift; the tutorials of MindSpore.
  cifar10: [
    file(
      'cifar-10-binary.tar.gz',
      [
        'https://www.cs.toronto.edu/~kriz',
        'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10',
        'https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets',
      ],
      { bytes: 170_052_171, sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd' },
    ),
  ],
  // The second address is the maintainers' page as it moved within Stanford; no loader names a mirror elsewhere.
  stl10: [
    file('stl10_binary.tar.gz', ['http://ai.stanford.edu/~acoates/stl10', 'https://cs.stanford.edu/~acoates/stl10'], {
      bytes: 2_640_397_119,
      sha256: 'f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866',
    }),
  ],
};
