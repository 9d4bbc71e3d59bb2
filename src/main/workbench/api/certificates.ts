import { instancesCounted, type certificatesCalls } from '../../../shared/api/certificates.ts';
import { adversarialExamples } from '../certificates/adversarialExamples.ts';
import { choicesOf, listedInstance, outcomeCountsOf, selectionOf } from '../certificates/listInstances.ts';
import { marginCurve } from '../certificates/marginCurve.ts';
import { marginLosses } from '../certificates/marginLosses.ts';
import { TestImages } from '../certificates/testImages.ts';
import { verifyInstance } from '../certificates/verifyInstance.ts';
import { classNamesOf, instanceReport } from '../instanceCertificates.ts';
import { storedRun } from '../storedRun.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export function certificatesHandlers({ store, tasks }: ApiContext): Handlers<typeof certificatesCalls> {
  const images = new TestImages(store);
  return {
    'certificates.choices': ({ run: id }) => {
      const run = storedRun(store, id);
      const [source, target] = [classNamesOf(run, 'source'), classNamesOf(run, 'target')];
      return {
        sigma: run.config.certification.sigma,
        heads: choicesOf(store, run),
        classNames: { source: [...source], target: [...target] },
      };
    },
    'certificates.list': ({ sort, isDescending, offset, limit, ...query }) => {
      const selection = selectionOf(store, query);
      if (selection === null) return { total: 0, rows: [], counts: {} };
      const order = { by: sort, isDescending };
      const counts = outcomeCountsOf(store, selection);
      return {
        total: query.outcome === null ? instancesCounted(counts) : (counts[query.outcome] ?? 0),
        rows: store.results.instancePage(selection, { order, offset, limit }).map(listedInstance),
        counts,
      };
    },
    'certificates.neighbours': ({ sort, isDescending, index, ...query }) => {
      const selection = selectionOf(store, query);
      const indices = selection === null ? [] : store.results.instanceIndices(selection, { by: sort, isDescending });
      const place = indices.indexOf(index);
      return {
        before: place > 0 ? indices[place - 1] : null,
        after: place >= 0 && place < indices.length - 1 ? indices[place + 1] : null,
        place: place === -1 ? null : place,
        total: indices.length,
      };
    },
    'certificates.images': ({ run, domain, indices }) => ({ ...images.images(run, domain, indices) }),
    'certificates.instance': ({ run, domain, index, head }) =>
      instanceReport(store, run, { datasetIndex: index, domain, head }),
    'certificates.draws': ({ run, ...of }) => images.draws(run, of),
    'certificates.adversarial': (of) => adversarialExamples(store, images, of),
    'certificates.losses': (of) => marginLosses(store, of),
    'certificates.marginCurve': ({ task, ...of }) =>
      tasks.run(task, (reporter, signal) => marginCurve(store, of, { reporter, signal })),
    'certificates.verify': ({ task, ...of }) =>
      tasks.run(task, (reporter, signal) => verifyInstance(store, of, { reporter, signal })),
  };
}
