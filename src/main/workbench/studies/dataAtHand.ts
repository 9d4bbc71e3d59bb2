import { CATALOGUE, countsOf, type Origin } from '../../data/catalogue.ts';
import { lookForFiles, originFromEnvironment, whereabouts } from '../../data/dataFolders.ts';
import { loadDataset } from '../../data/loadDataset.ts';
import { DOMAINS, type DatasetName, type Domain, type ExperimentConfig } from '../../../shared/config.ts';

/** Why a data set cannot be used now. */
export interface MissingData {
  readonly dataset: DatasetName;
  readonly reason: string;
}

/** A set whose whole training part is asked for and of which only the bundled subset is here. */
export interface ReducedData {
  readonly dataset: DatasetName;
  readonly trainingImages: number;
  readonly fullTrainingImages: number;
}

/** What a plan needs to know of the data files, read only once each. */
export class DataAtHand {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #fingerprints = new Map<string, string>();

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.#environment = environment;
  }

  /** Null where the set cannot be used. @throws DataError where a folder holds only some of its files */
  origin(name: DatasetName): Origin | null {
    const choice = originFromEnvironment(this.#environment);
    return lookForFiles(name, choice, whereabouts(name, this.#environment))?.origin ?? null;
  }

  /** Of the files that serve; a text of its own where there are none. @throws DataError where they are damaged */
  fingerprint(name: DatasetName): string {
    return this.origin(name) === null ? `the files of ${name}, which are not here` : this.#load(name, null);
  }

  /** Fingerprints of both domains, as stage keys want them. */
  describe({ source, target }: ExperimentConfig): { domains: Record<Domain, { fingerprint: string }> } {
    return {
      domains: {
        source: { fingerprint: this.fingerprint(source.dataset) },
        target: { fingerprint: this.fingerprint(target.dataset) },
      },
    };
  }

  /** Training images that a domain has, validation images included. @param fingerprint of files used before; null for those that serve now */
  trainingImages(config: ExperimentConfig, domain: Domain, fingerprint: string | null): number {
    const { dataset, trainingInstances } = config[domain];
    if (trainingInstances !== undefined) return trainingInstances;
    const entry = CATALOGUE[dataset];
    const bundled = fingerprint === null ? this.origin(dataset) === 'bundled' : this.#isBundled(dataset, fingerprint);
    return countsOf(entry, bundled ? 'bundled' : 'full').train;
  }

  missing(configs: readonly ExperimentConfig[]): MissingData[] {
    const names = new Set(configs.flatMap((config) => DOMAINS.map((domain) => config[domain].dataset)));
    return [...names]
      .filter((dataset) => this.origin(dataset) === null)
      .map((dataset) => ({ dataset, reason: this.#reason(dataset) }));
  }

  reduced(configs: readonly ExperimentConfig[]): ReducedData[] {
    const whole = configs.flatMap((config) =>
      DOMAINS.map((domain) => config[domain]).filter(({ trainingInstances }) => trainingInstances === undefined),
    );
    return [...new Set(whole.map(({ dataset }) => dataset))]
      .filter((dataset) => this.origin(dataset) === 'bundled')
      .map((dataset) => {
        const entry = CATALOGUE[dataset];
        return {
          dataset,
          trainingImages: countsOf(entry, 'bundled').train,
          fullTrainingImages: entry.counts.train,
        };
      });
  }

  #reason(name: DatasetName): string {
    return `put its files (${CATALOGUE[name].files}) into ${whereabouts(name, this.#environment).fullFolders[0]}`;
  }

  #isBundled(name: DatasetName, fingerprint: string): boolean {
    return CATALOGUE[name].bundled !== null && this.#load(name, 'bundled') === fingerprint;
  }

  #load(name: DatasetName, origin: Origin | null): string {
    const key = `${name} ${origin ?? 'serving'}`;
    let found = this.#fingerprints.get(key);
    if (found === undefined) {
      const places = whereabouts(name, this.#environment);
      ({ fingerprint: found } = loadDataset(name, { whereabouts: places, ...(origin === null ? {} : { origin }) }));
      this.#fingerprints.set(key, found);
    }
    return found;
  }
}
