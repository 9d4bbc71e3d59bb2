import type { Domain } from './config.ts';
import type { SelfChecks } from './results.ts';

/** A share with what it is a share of; null where nothing was computed. */
export interface Share {
  readonly hits: number;
  readonly total: number;
  /** Wilson's, 95 %, where a report is shown; null for a share of nothing. */
  readonly interval?: { readonly lower: number; readonly upper: number } | null;
}

/** One row of the paper-shaped table (METHOD.md §4, metrics). Radii in normalised units. */
export interface ReportRow {
  readonly domain: Domain;
  readonly head: string;
  /** A_B */
  readonly baseAccuracy: Share | null;
  readonly label: { readonly certified: Share; readonly meanRadius: number | null } | null;
  readonly representation: {
    /** A_M */
    readonly median: Share;
    /** A_V under the published rule; null where it does not apply (constraint none). */
    readonly paper: Share | null;
    /** A_V proved: some sound rule passes. */
    readonly proved: Share | null;
    /**
     * Of the certificates by the published rule where it is no proof: how many have a point with another prediction in the
     * box of their radius, and in the smallest box. Null where none was searched.
     */
    readonly falsified: { readonly atRadius: Share; readonly atSmallestBox: Share } | null;
  } | null;
  readonly logit: { readonly median: Share; readonly certified: Share } | null;
  readonly pairwise: { readonly certified: Share; readonly meanRadius: number | null } | null;
  /** Accuracy under the noise attack. */
  readonly noise: Share | null;
  /** Accuracy under PGD. */
  readonly pgd: Share | null;
  /** Of PGD; null before it attacked. */
  readonly selfChecks: SelfChecks | null;
  /** Null for heads of several layers. */
  readonly search: SearchSummary | null;
}

/** The paper's Table 2 (METHOD.md §3). Distances are means of L∞ norms; null where there is nothing to average. */
export interface SearchSummary {
  /** p_z: adversarial representations found, of the correctly classified instances. */
  readonly representations: Share;
  /** z_Δ of the representation search. */
  readonly meanRepresentationDistance: number | null;
  /** p_x: inputs found, of the representations; null when no inputs were searched for. */
  readonly inputs: Share | null;
  /** x_Δ, and z_Δ from what was found to what was looked for; over the inputs found. */
  readonly meanInputDistance: number | null;
  readonly meanRepresentationDistanceOfInputs: number | null;
}
