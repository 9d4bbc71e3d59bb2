import { describe, expect, it } from 'vitest';
import { attackSettings, searchTable, selfCheckLines } from '../../src/main/hosts/cli/attackTables.ts';
import type { ReportRow } from '../../src/shared/report.ts';
import { tinyConfig } from '../workbench/tinyExperiment.ts';
import { ROW } from './reportRow.ts';

describe('the lines under a table', () => {
  it('name what the instances were attacked with, and nothing that is switched off', () => {
    const config = tinyConfig({ noiseAttack: { shape: 'ball', draws: 7, epsilon: 0.5 }, pgd: { restarts: 3 } });
    expect(attackSettings(config)).toEqual([
      'Noise attack: the worst of 7 draws, ball of radius 0.5.',
      'PGD: 50 steps from each of 3 starts, radius 0.1.',
    ]);
    expect(attackSettings(tinyConfig({ noiseAttack: { enabled: false }, pgd: { enabled: false } }))).toEqual([]);
  });

  it('say of each head whose PGD doubts itself why, and what to try', () => {
    const doubted: ReportRow = {
      ...ROW,
      selfChecks: {
        made: ['broken-late', 'weaker-than-noise'],
        findings: [
          { check: 'weaker-than-noise', hits: 3, total: 9 },
          { check: 'broken-late', hits: 4, total: 10 },
        ],
      },
    };
    const passed: ReportRow = { ...ROW, head: 'other', selfChecks: { made: ['broken-late'], findings: [] } };
    expect(selfCheckLines([doubted, passed])).toEqual([
      'PGD may be too weak on target, 1-layer wn: 3 of 9 instances withstand PGD beyond those that withstand random ' +
        'noise of no larger radius (raise pgd.restarts and pgd.steps; the gradients mislead); 4 of 10 instances broke only in ' +
        'the last half of the steps, so more steps would break more (double pgd.steps).',
    ]);
    expect(selfCheckLines([passed, ROW])).toEqual(["PGD's self-checks passed: broken-late."]);
    expect(selfCheckLines([ROW])).toEqual([]);
  });
});

describe('the table of adversarial representations', () => {
  it('is none where none were searched for', () => {
    expect(searchTable([ROW])).toBeNull();
  });

  it('has the shares in % and the mean distances of the heads that have them, and a dash for what was not searched', () => {
    const search = {
      representations: { hits: 40, total: 40 },
      meanRepresentationDistance: 1.5984,
      inputs: { hits: 10, total: 40 },
      meanInputDistance: 0.2579,
      meanRepresentationDistanceOfInputs: 1.346,
    };
    const nothing = { hits: 0, total: 0 };
    const none = { inputs: null, meanInputDistance: null, meanRepresentationDistanceOfInputs: null };
    const lines = searchTable([
      ROW,
      { ...ROW, search },
      { ...ROW, head: 'b', search: { ...search, ...none, representations: nothing } },
    ])!;
    const cells = lines.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    expect(cells.filter(([, domain]) => domain === 'target')).toEqual([
      ['', 'target', '1-layer wn', '100.0', '1.598', '25.0', '0.258', '1.346', ''],
      ['', 'target', 'b', '–', '1.598', '–', '–', '–', ''],
    ]);
  });
});
