(* Operator norms that have a formula, and the Euclidean norm where there are square roots. In words: norms.md. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Formulas.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).
Add Field Rfield : (field_laws R).

(* For the largest entry: a finite maximum with its two properties. *)
Definition largest k (F : 'I_k.+1 -> R) : R := \big[Num.max/F ord0]_i F i.

Lemma le_largest k (F : 'I_k.+1 -> R) i : F i <= largest F.
Proof.
rewrite /largest; elim: (index_enum _) (mem_index_enum i) => // j s IH; rewrite in_cons big_cons le_maxr.
by case/orP=> [/eqP-> |/IH->]; rewrite ?lexx ?orbT.
Qed.

Lemma largest_le k (F : 'I_k.+1 -> R) c : (forall i, F i <= c) -> largest F <= c.
Proof. by move=> Fc; rewrite /largest; elim/big_ind: _ => // a b ac bc; rewrite le_maxl ac bc. Qed.

Lemma l1_ge0 n (x : 'cV[R]_n) : 0 <= l1 x.
Proof. exact: sumr_ge0. Qed.

(* l1 -> l1: the largest l1 norm of a column. *)
Theorem operator_norm_l1 m n (A : 'M[R]_(m, n.+1)) : operator_norm (@l1 R _) (@l1 R _) A (largest (fun j => l1 (col j A))).
Proof.
split=> [v|u bound].
  have -> : l1 (A *m v) <= largest (fun j => l1 (col j A)) * l1 v = true; last by [].
  apply: le_trans (_ : \sum_i \sum_j `|A i j| * `|v j 0| <= _).
    by apply: ler_sum => i _; rewrite mxE (le_trans (ler_norm_sum _ _ _)) //; apply: ler_sum => j _; rewrite normrM.
  rewrite exchange_big /= mulr_sumr; apply: ler_sum => j _; rewrite -mulr_suml ler_wpmul2r //.
  by apply: le_trans (le_largest _ j); rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => i _; rewrite mxE.
apply: largest_le => j; have := bound (delta_mx j 0); rewrite -colE /(l1 (delta_mx _ _)) (bigD1 j) //= mxE !eqxx normr1.
by rewrite big1 ?addr0 ?mulr1 // => i ij; rewrite mxE (negbTE ij) normr0.
Qed.

(* linf -> linf: the largest l1 norm of a row. *)
Theorem operator_norm_linf m n (A : 'M[R]_(m.+1, n.+1)) :
  operator_norm (@linf R _) (@linf R _) A (largest (fun i => \sum_j `|A i j|)).
Proof.
have row0 i : 0 <= \sum_j `|A i j| by apply: sumr_ge0.
split=> [v|u bound].
  apply: linf_le => [|i]; first by rewrite mulr_ge0 ?linf_ge0 // (le_trans (row0 ord0)) // le_largest.
  apply: le_trans (_ : (\sum_j `|A i j|) * linf v <= _); last by rewrite ler_wpmul2r ?linf_ge0 // le_largest.
  rewrite mxE (le_trans (ler_norm_sum _ _ _)) // mulr_suml; apply: ler_sum => j _.
  by rewrite normrM ler_wpmul2l ?linf_ge.
apply: largest_le => i; pose v : 'cV[R]_n.+1 := \col_j (if 0 <= A i j then 1 else -1).
have v1 j : `|v j 0| = 1 by rewrite mxE; case: ifP; rewrite ?normrN normr1.
have lv : linf v = 1.
  apply/eqP; rewrite eq_le; apply/andP; split; first by apply: linf_le => [|j]; rewrite ?ler01 ?v1.
  by rewrite -(v1 ord0) linf_ge.
have := bound v; rewrite lv mulr1; apply: le_trans; apply: le_trans (linf_ge _ i).
rewrite mxE ger0_norm; last by apply: sumr_ge0 => j _; rewrite mxE; case: ifP => h; rewrite ?mulr1 // mulrN1 oppr_ge0 ltW // ltNge h.
apply: ler_sum => j _; rewrite mxE; case: ifP => h; first by rewrite mulr1 ger0_norm.
by rewrite mulrN1 ltr0_norm // ltNge h.
Qed.

Lemma sqnorm_ge0 n (x : 'cV[R]_n) : 0 <= sqnorm x.
Proof. by apply: sumr_ge0 => i _; rewrite sqr_ge0. Qed.

Lemma sqnormD n (x y : 'cV[R]_n) : sqnorm (x + y) = sqnorm x + (\sum_i x i 0 * y i 0) *+ 2 + sqnorm y.
Proof. by rewrite /sqnorm -sumrMnl -!big_split; apply: eq_bigr => i _ /=; rewrite mxE; mc_ring R. Qed.

Theorem cauchy_schwarz n (a b : 'I_n -> R) : (\sum_i a i * b i) ^+ 2 <= (\sum_i a i ^+ 2) * (\sum_i b i ^+ 2).
Proof.
set ab := \sum_i a i * b i; set aa := \sum_i a i ^+ 2; set bb := \sum_i b i ^+ 2.
have bb0 : 0 <= bb by apply: sumr_ge0 => i _; rewrite sqr_ge0.
have [bz|bn] := eqVneq bb 0.
  have z i : b i = 0.
    apply/eqP; rewrite -(sqrf_eq0 (b i)); apply/eqP; apply: (psumr_eq0P _ bz) => // j _; exact: sqr_ge0.
  by rewrite /ab big1 ?expr0n ?bz ?mulr0 // => i _; rewrite z mulr0.
have bp : 0 < bb by rewrite lt_def bn bb0.
have : 0 <= \sum_i (bb * a i - ab * b i) ^+ 2 by apply: sumr_ge0 => i _; rewrite sqr_ge0.
have expand (p q : R) : \sum_i (q * a i - p * b i) ^+ 2 = q ^+ 2 * aa + (- (q * p *+ 2) * ab + p ^+ 2 * bb).
  by rewrite /aa /ab /bb !mulr_sumr -!big_split; apply: eq_bigr => i _ /=; mc_ring R.
rewrite expand; have -> : bb ^+ 2 * aa + (- (bb * ab *+ 2) * ab + ab ^+ 2 * bb) = bb * (aa * bb - ab ^+ 2) by mc_ring R.
by rewrite pmulr_rge0 // subr_ge0.
Qed.

End Formulas.

Section Euclid.
Variable R : rcfType.

Definition l2 n (x : 'cV[R]_n) : R := Num.sqrt (sqnorm x).

(* Over the reals (a real closed field) the Euclidean norm is a norm, so everything in Regions.v holds for it. *)
Theorem l2_is_norm n : is_norm (@l2 n).
Proof.
split=> [x y|c x]; rewrite /l2; last first.
  have -> : sqnorm (c *: x) = c ^+ 2 * sqnorm x.
    by rewrite /sqnorm mulr_sumr; apply: eq_bigr => i _; rewrite mxE exprMn.
  by rewrite sqrtrM ?sqr_ge0 // sqrtr_sqr.
have r0 : 0 <= Num.sqrt (sqnorm x) + Num.sqrt (sqnorm y) by rewrite addr_ge0 ?sqrtr_ge0.
rewrite -(ler_pexpn2r (n := 2)) ?nnegrE ?sqrtr_ge0 // sqr_sqrtr ?sqnorm_ge0 // sqrrD !sqr_sqrtr ?sqnorm_ge0 //.
rewrite sqnormD ler_add2r ler_add2l ler_muln2r /= -sqrtrM ?sqnorm_ge0 //.
apply: le_trans (ler_norm _) _; rewrite -sqrtr_sqr ler_wsqrtr //.
exact: cauchy_schwarz.
Qed.

End Euclid.
