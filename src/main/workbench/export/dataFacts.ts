import type { ImageShape } from '../../data/catalogue.ts';
import type { ChannelStatistics } from '../../data/normalisation.ts';
import { prepareTransfer, type Transfer } from '../../data/transfer.ts';
import type { Domain } from '../../../shared/config.ts';
import { transferSpecOf } from '../runInProgress.ts';
import { requireSameData } from '../sameData.ts';
import type { StoredRun } from '../storedRun.ts';

/** What a model's user must know of the images it was trained on. */
export interface DataFacts {
  /** Of the source's training split; the images of both domains are normalised by it (METHOD.md §5). */
  readonly statistics: ChannelStatistics;
  readonly domains: Readonly<Record<Domain, DomainFacts>>;
}

export interface DomainFacts {
  /** Its name, for people. */
  readonly dataset: string;
  readonly fingerprint: string;
  /** Of the images that the extractor is given. */
  readonly shape: ImageShape;
  /** [K], by label. */
  readonly classNames: readonly string[];
}

/**
 * Reads the run's images for what is known from them alone.
 * @throws DataError when they are not there, BadInput when they are not those that the run was made from
 */
export function dataFacts(run: Pick<StoredRun, 'run' | 'config' | 'stages'>): DataFacts {
  const transfer = prepareTransfer(transferSpecOf(run.config));
  requireSameData(run, transfer, `export of run ${run.run.id}`);
  return {
    statistics: transfer.statistics,
    domains: { source: domainFacts(transfer, 'source'), target: domainFacts(transfer, 'target') },
  };
}

function domainFacts(transfer: Transfer, domain: Domain): DomainFacts {
  const { dataset, fingerprint, test, classNames } = transfer[domain];
  return { dataset, fingerprint, shape: test.shape, classNames };
}
