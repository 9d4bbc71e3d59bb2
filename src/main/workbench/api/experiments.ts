import type { experimentsCalls } from '../../../shared/api/experiments.ts';
import { checkExperiment } from '../experiments/checkExperiment.ts';
import { forecastExperiment } from '../experiments/forecastExperiment.ts';
import { parseConfig } from '../loadConfig.ts';
import { presetDocument, presetNames } from '../presets.ts';
import { storedRun } from '../storedRun.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const experimentsHandlers = ({ store }: ApiContext): Handlers<typeof experimentsCalls> => ({
  'experiments.presets': () =>
    presetNames().map((preset) => {
      const config = presetDocument(preset);
      return { preset, name: parseConfig(config, `the preset "${preset}"`).name, config };
    }),
  'experiments.fromRun': ({ run }) => ({ config: storedRun(store, run).config }),
  'experiments.check': ({ config }) => {
    const { problems, config: valid } = checkExperiment(config);
    return { problems: [...problems], config: valid };
  },
  'experiments.forecast': ({ config }) => forecastExperiment(store, parseConfig(config, 'the experiment')),
});
