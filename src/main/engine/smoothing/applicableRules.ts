import type { HeadSpec, Rule } from '../../../shared/config.ts';

/** Rules that apply to a head: `paper` reads the bound of a constraint. */
export function applicableRules(rules: readonly Rule[], { constraint }: Pick<HeadSpec, 'constraint'>): Rule[] {
  return rules.filter((rule) => rule !== 'paper' || constraint !== 'none');
}
