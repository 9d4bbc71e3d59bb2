import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DOMAINS } from '../../../../shared/config.ts';
import type { CertificateRecord, HeadWeights } from '../../../../shared/results.ts';
import { takeApart } from '../../../store/evidence.ts';
import { toBlob } from '../../../store/exactValues.ts';
import type { Store } from '../../../store/store.ts';
import { headWeights, stageOf, type StoredRun } from '../../storedRun.ts';
import { dataFacts, type DataFacts } from '../dataFacts.ts';
import { requireFinished } from '../finished.ts';
import { headFiles, type HeadFile } from '../headFiles.ts';
import { jsonText } from '../json.ts';
import type { ExportPlan, Sink } from '../writePlan.ts';
import { evidenceReadme } from './evidenceReadme.ts';
import { encodeNpy } from './npy.ts';

const VERIFIER = fileURLToPath(new URL('verify.py', import.meta.url));

/** Bumped when verify.py would not read what an earlier version wrote. */
const VERSION = 1;

interface ExportedHead extends HeadFile {
  /** Of the certificates' stage. */
  readonly stageId: number;
  readonly key: string;
  readonly weights: HeadWeights;
}

/**
 * A folder that stands by itself: the evidence of every certificate of the run, the heads, and a script that rechecks each
 * verdict from them with numpy and scipy alone. `certificates.jsonl` has a certificate a line, whose arrays are places in
 * `arrays.bin`, little-endian; heads are NumPy files.
 */
export function evidencePlan(store: Store, run: StoredRun): ExportPlan {
  requireFinished(run, 'evidence', ['head', 'certification']);
  const data = dataFacts(run);
  const heads = headFiles(run).map((head): ExportedHead => {
    const { id: stageId, key } = stageOf(run, 'certification', head)!;
    return { ...head, stageId, key, weights: headWeights(store, run, head) };
  });
  return {
    folder: `run-${run.run.id}-evidence`,
    files: [
      ...['README.md', 'verify.py', 'manifest.json', 'certificates.jsonl', 'arrays.bin'],
      ...heads.flatMap((head) => headParts(head).map(({ file }) => file)),
    ],
    write(open) {
      open('README.md')(evidenceReadme(run));
      open('verify.py')(readFileSync(VERIFIER));
      for (const part of heads.flatMap(headParts)) open(part.file)(encodeNpy(part.shape, part.values));
      const certificates = writeCertificates(store, heads, {
        line: open('certificates.jsonl'),
        arrays: open('arrays.bin'),
      });
      open('manifest.json')(`${jsonText(manifestOf(run, data, { heads, certificates }), 2)}\n`);
    },
  };
}

interface HeadPart {
  readonly layer: number;
  readonly part: 'weight' | 'bias';
  readonly file: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function headParts({ slug, weights }: ExportedHead): HeadPart[] {
  return weights.layers.flatMap(({ inputs, outputs, weight, bias }, i): HeadPart[] => {
    const file = (part: string): string => `heads/${slug}-layer${i + 1}-${part}.npy`;
    return [
      { layer: i, part: 'weight', file: file('weight'), shape: [outputs, inputs], values: weight },
      { layer: i, part: 'bias', file: file('bias'), shape: [outputs], values: bias },
    ];
  });
}

interface Sinks {
  readonly line: Sink;
  readonly arrays: Sink;
}

/**
 * Instance by instance, since certificates of one instance share arrays, whatever their heads, and those of several do not.
 * @returns how many there were
 */
function writeCertificates(store: Store, heads: readonly ExportedHead[], { line, arrays }: Sinks): number {
  let certificates = 0;
  let end = 0;
  for (const domain of DOMAINS) {
    const ofDomain = heads.filter((head) => head.domain === domain);
    const indices = new Set(ofDomain.flatMap(({ stageId }) => store.results.certifiedIndices(stageId)));
    for (const index of [...indices].sort((a, b) => a - b)) {
      const places = new ArrayPlaces(arrays, end);
      for (const head of ofDomain) {
        for (const record of store.results.instanceCertificates(head.stageId, index)) {
          line(`${jsonText(certificateLine(head, record, places))}\n`);
          certificates++;
        }
      }
      ({ end } = places);
    }
  }
  return certificates;
}

/** Where an array lies: its type, the byte it begins at, and its number of elements. */
type Place = readonly [dtype: string, offset: number, count: number];

/** Appends arrays, each content once. */
class ArrayPlaces {
  /** Bytes written so far. */
  end: number;
  readonly #write: Sink;
  readonly #known = new Map<string, Place>();

  constructor(write: Sink, end: number) {
    this.#write = write;
    this.end = end;
  }

  of(dtype: string, values: Parameters<typeof toBlob>[0]): Place {
    const bytes = toBlob(values);
    const content = `${dtype} ${bytes.toString('latin1')}`;
    const known = this.#known.get(content);
    if (known !== undefined) return known;
    const place: Place = [dtype, this.end, values.length];
    // Every array begins at a multiple of its elements' size.
    const padding = (8 - (bytes.length % 8)) % 8;
    this.#write(bytes);
    if (padding > 0) this.#write(new Uint8Array(padding));
    this.end += bytes.length + padding;
    this.#known.set(content, place);
    return place;
  }
}

function certificateLine({ domain, head }: ExportedHead, record: CertificateRecord, places: ArrayPlaces): unknown {
  const { datasetIndex, evidence, ...rest } = record;
  const { scalars, arrays } = takeApart(evidence);
  const placed = arrays.map(({ name, dtype, values }) => [name, places.of(dtype, values)] as const);
  return { domain, head, index: datasetIndex, ...rest, evidence: scalars, arrays: Object.fromEntries(placed) };
}

function manifestOf(
  { run, config }: StoredRun,
  { statistics, domains }: DataFacts,
  { heads, certificates }: { readonly heads: readonly ExportedHead[]; readonly certificates: number },
): unknown {
  return {
    format: 'provable-transfer-workbench/evidence',
    version: VERSION,
    run: { id: run.id, name: config.name },
    certificates,
    config,
    normalisation: { mean: [...statistics.mean], deviation: [...statistics.deviation] },
    domains,
    heads: heads.map((head) => ({
      domain: head.domain,
      label: head.head,
      stage: head.key,
      constraint: head.weights.constraint,
      bound: head.weights.bound,
      groupSize: head.weights.groupSize,
      layers: head.weights.layers.map((_, i) =>
        Object.fromEntries(
          headParts(head)
            .filter(({ layer }) => layer === i)
            .map(({ part, file }) => [part, file]),
        ),
      ),
    })),
  };
}
