import { CATALOGUE, countsOf, type DatasetOrigin, type ImageShape, type Origin } from '../../data/catalogue.ts';
import { DataError } from '../../data/dataError.ts';
import { lookForFiles, originFromEnvironment, whereabouts, type Whereabouts } from '../../data/dataFolders.ts';
import { factsLookup } from '../../data/datasetFacts.ts';
import { folderFacts } from '../../data/imageFolder/loadImageFolder.ts';
import type { Dataset } from '../../data/loadDataset.ts';
import { openDataset } from '../../data/openDataset.ts';
import {
  DOMAINS,
  type DatasetChoice,
  type DatasetName,
  type Domain,
  type ExperimentConfig,
  type ImageFolder,
} from '../../../shared/config.ts';
import { datasetLabel } from '../../../shared/datasetLabel.ts';
import type { MissingData, ReducedData } from '../../../shared/studyReport.ts';
import type { LearnedFrom } from '../learnedFrom.ts';
import type { DataDescription, Fingerprints } from '../stageKeys.ts';

export type { MissingData, ReducedData };

/** What a plan needs to know of the data files, read only once each. */
export class DataAtHand {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #loaded = new Map<string, DataDescription>();
  readonly #facts = factsLookup();

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.#environment = environment;
  }

  /** Null where the set cannot be used. @throws DataError where a folder holds only some of the files of a known set */
  origin(choice: DatasetChoice): DatasetOrigin | null {
    if (typeof choice !== 'string') return this.#facts(choice) === null ? null : 'folder';
    return lookForFiles(choice, originFromEnvironment(this.#environment), this.#places(choice))?.origin ?? null;
  }

  /** Of both domains, as stage keys want them; a fingerprint of its own for a set that is not here. @throws DataError where files are damaged */
  describe({ source, target }: ExperimentConfig): Fingerprints {
    const of = (choice: DatasetChoice): DataDescription => {
      if (this.origin(choice) !== null) return this.#load(choice, null);
      const { classes = [] } = this.#facts(choice) ?? {};
      return {
        fingerprint: `the files of ${keyOf(choice)}, which are not here`,
        classNames: classes,
        trainingImages: 0,
      };
    };
    return { domains: { source: of(source.dataset), target: of(target.dataset) } };
  }

  /** Of the images as the extractor sees them (METHOD.md §5); null for a folder that is not there. */
  shape({ source, target }: ExperimentConfig, domain: Domain | null): ImageShape | null {
    const native = domain === 'target' && target.size === 'native';
    return this.#facts((native ? target : source).dataset)?.shape ?? null;
  }

  /**
   * Training images that a domain has, validation images included; null for a folder that is not there.
   * @param learned the files used before; null for those that serve now
   */
  trainingImages(config: ExperimentConfig, domain: Domain, learned: LearnedFrom | null): number | null {
    const { dataset, trainingInstances } = config[domain];
    if (trainingInstances !== undefined) return trainingInstances;
    if (typeof dataset !== 'string') {
      if (learned?.folder !== undefined) return learned.folder.trainingImages;
      return this.origin(dataset) === null ? null : folderFacts(dataset).counts.train;
    }
    const bundled =
      learned === null ? this.origin(dataset) === 'bundled' : this.#isBundled(dataset, learned.fingerprint);
    return countsOf(CATALOGUE[dataset], bundled ? 'bundled' : 'full').train;
  }

  missing(configs: readonly ExperimentConfig[]): MissingData[] {
    return distinct(configs.flatMap((config) => DOMAINS.map((domain) => config[domain].dataset)))
      .filter((choice) => this.origin(choice) === null)
      .map((choice) => ({
        dataset: datasetLabel(choice),
        reason: typeof choice === 'string' ? this.#reason(choice) : reasonOf(choice),
      }));
  }

  reduced(configs: readonly ExperimentConfig[]): ReducedData[] {
    const whole = configs.flatMap((config) =>
      DOMAINS.map((domain) => config[domain]).filter(({ trainingInstances }) => trainingInstances === undefined),
    );
    return distinct(whole.map(({ dataset }) => dataset))
      .filter((choice) => typeof choice === 'string')
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

  #places(name: DatasetName): Whereabouts {
    return whereabouts(name, this.#environment);
  }

  #reason(name: DatasetName): string {
    return `get it with "ptw data get ${name}", or put its files (${CATALOGUE[name].files}) into ${this.#places(name).fullFolders[0]}`;
  }

  #isBundled(name: DatasetName, fingerprint: string): boolean {
    return CATALOGUE[name].bundled !== null && this.#load(name, 'bundled').fingerprint === fingerprint;
  }

  #load(choice: DatasetChoice, origin: Origin | null): DataDescription {
    const key = `${keyOf(choice)} ${origin ?? 'serving'}`;
    let found = this.#loaded.get(key);
    if (found === undefined) {
      found = descriptionOf(
        openDataset(choice, {
          ...(typeof choice === 'string' ? { whereabouts: this.#places(choice) } : {}),
          ...(origin === null ? {} : { origin }),
        }),
      );
      this.#loaded.set(key, found);
    }
    return found;
  }
}

const descriptionOf = ({ fingerprint, classes, train }: Dataset): DataDescription => ({
  fingerprint,
  classNames: classes,
  trainingImages: train.labels.length,
});

/** Tells choices apart. */
const keyOf = (choice: DatasetChoice): string => (typeof choice === 'string' ? choice : JSON.stringify(choice));

const distinct = (choices: readonly DatasetChoice[]): DatasetChoice[] => [
  ...new Map(choices.map((choice) => [keyOf(choice), choice])).values(),
];

/** Why a folder is no set. */
function reasonOf(choice: ImageFolder): string {
  try {
    folderFacts(choice);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  return 'it has come back meanwhile';
}
