import type { ListedBy, Outcome } from '../../shared/api/certificates.ts';
import type { Rule } from '../../shared/config.ts';

/** What lists, methods and outcomes are called on pages. */
export const BY_NAMES: Readonly<Record<ListedBy, string>> = {
  clean: 'clean prediction',
  'representation-median': 'median representation',
  'logit-median': 'median logits',
  pgd: 'PGD',
  'noise-attack': 'noise attack',
  label: 'label',
  representation: 'representation',
  logit: 'logit',
  pairwise: 'pairwise',
};

export const OUTCOME_NAMES: Readonly<Record<Outcome, string>> = {
  'certified-correct': 'certified, correct',
  'certified-wrong': 'certified, wrong',
  abstained: 'abstained',
  falsified: 'falsified',
  'published-correct': 'certified by the rule, correct',
  correct: 'correct',
  wrong: 'wrong',
  robust: 'withstood',
  broken: 'broken',
};

export const OUTCOME_LOOKS: Readonly<Record<Outcome, 'good' | 'caution' | 'bad' | 'unproved'>> = {
  'certified-correct': 'good',
  'certified-wrong': 'bad',
  abstained: 'caution',
  falsified: 'unproved',
  'published-correct': 'unproved',
  correct: 'good',
  wrong: 'bad',
  robust: 'good',
  broken: 'bad',
};

export const ruleName = (rule: Rule | 'any-sound' | null): string =>
  rule === null ? '' : rule === 'any-sound' ? 'best proof' : rule === 'paper' ? 'published rule' : rule;
