/** min ½ bᵀDb − dᵀb subject to Aᵀb ≥ b₀ (Goldfarb and Idnani's dual method). Arrays are those of Fortran: entry 0 is not used. */
declare module 'quadprog' {
  export function solveQP(
    Dmat: number[][],
    dvec: number[],
    Amat: number[][],
    bvec: number[],
  ): { readonly solution: number[]; readonly value: number[]; readonly message: string };
}
