(* Satisfiability -> Lipschitz constant. In words: satisfiability.md, section "Checked by a machine". *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Regions Norms Cliques.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Satisfiability.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).

(* A clause says of each variable: not there (None), or there with a sign. So its variables are distinct. *)
Variables (n m : nat) (clause : 'I_m -> 'I_n -> option bool).

Definition satisfies (a : 'I_n -> bool) : Prop := forall c, exists i, clause c i = Some (a i).

Definition sign (b : bool) : R := if b then 1 else -1.
Definition literal (l : option bool) : R := if l is Some b then sign b else 0.
Definition width c : R := \sum_i `|literal (clause c i)|.
Definition half : R := 2%:R^-1.

Definition deviation (x : 'cV[R]_n) : R := \sum_i `| `|x i 0| - 1 |.
Definition clause_value c (x : 'cV[R]_n) : R := 1 - width c - \sum_i literal (clause c i) * x i 0.
Definition inner (x : 'cV[R]_n) : R := half - deviation x - \sum_c relu (clause_value c x).
Definition formula_function (x : 'cV[R]_n) : R := relu (inner x).

(* The assignment that the signs of a point give, and the point that belongs to an assignment. *)
Definition signs (x : 'cV[R]_n) i : bool := 0 < x i 0.
Definition corner (a : 'I_n -> bool) : 'cV[R]_n := \col_i sign (a i).

Lemma half0 : 0 < half. Proof. by rewrite invr_gt0 ltr0n. Qed.
Lemma halves2 : half + half = 1. Proof. by rewrite -mulr2n -mulr_natr mulVf // pnatr_eq0. Qed.
Lemma half1 : half < 1. Proof. by rewrite -halves2 ltr_addl half0. Qed.

Lemma norm_sign b : `|sign b| = 1. Proof. by case: b; rewrite /sign ?normrN normr1. Qed.

Lemma relu_ge0 (z : R) : 0 <= relu z.
Proof.
have [z0|z0] := leP 0 z; first by rewrite relu_pos.
by rewrite relu_neg // ltW.
Qed.

Lemma relu_ge (z : R) : z <= relu z.
Proof.
have [z0|z0] := leP 0 z; first by rewrite relu_pos.
by rewrite relu_neg ltW.
Qed.

Lemma deviation_ge0 x : 0 <= deviation x. Proof. exact: sumr_ge0. Qed.

Lemma deviation_signs x : deviation x = \sum_i `|x i 0 - sign (signs x i)|.
Proof.
apply: eq_bigr => i _; rewrite /signs /sign; case: ifP => xi; first by rewrite (gtr0_norm xi).
have x0 : x i 0 <= 0 by rewrite leNgt xi.
by rewrite (ler0_norm x0) opprK -[LHS]normrN opprD !opprK.
Qed.

Lemma norm_lower (z : R) : - `|z| <= z.
Proof. by rewrite ler_oppl -normrN ler_norm. Qed.

Lemma along b z : 1 - `|z - sign b| <= sign b * z.
Proof.
have ss : sign b * sign b = 1 by case: b; rewrite /sign ?mulrNN mulr1.
have -> : sign b * z = sign b * sign b + sign b * (z - sign b) by mc_ring R.
by rewrite ss ler_add2l (le_trans _ (norm_lower _)) // normrM norm_sign mul1r.
Qed.

Lemma against l b z : - `|z - sign b| <= 1 + sign l * z.
Proof.
have -> : 1 + sign l * z = sign l * (z - sign b) + (1 + sign l * sign b) by mc_ring R.
rewrite -[X in X <= _]addr0; apply: ler_add; first by rewrite (le_trans _ (norm_lower _)) // normrM norm_sign mul1r.
by case: l; case: b; rewrite /sign ?mulrNN ?mulrN1 ?mul1r ?mulr1 ?subrr // addr_ge0 // ler01.
Qed.

Lemma true_clause c x : (exists i, clause c i = Some (signs x i)) -> deviation x <= 1 -> relu (clause_value c x) = 0.
Proof.
move=> [i0 ci0] dev; apply: relu_neg; rewrite /clause_value -addrA -opprD subr_le0.
apply: le_trans (_ : 1 + (1 - deviation x) <= _); first by rewrite ler_addl subr_ge0.
have each i : - `|x i 0 - sign (signs x i)| <= `|literal (clause c i)| + literal (clause c i) * x i 0.
  case: (clause c i) => [b|] /=; last by rewrite normr0 mul0r addr0 oppr_le0.
  by rewrite norm_sign against.
have at0 : 1 + (1 - `|x i0 0 - sign (signs x i0)|) <= `|literal (clause c i0)| + literal (clause c i0) * x i0 0.
  by rewrite ci0 /= norm_sign ler_add2l along.
rewrite deviation_signs /width -big_split (bigD1 i0) //= [X in 1 + (1 - X)](bigD1 i0) //= opprD.
rewrite addrA addrA -[1 + 1 - _]addrA; apply: ler_add => //.
by rewrite -sumrN; apply: ler_sum => i _.
Qed.

Lemma false_clause c x : (forall i, clause c i <> Some (signs x i)) -> 1 - deviation x <= relu (clause_value c x).
Proof.
move=> wrong; apply: le_trans (relu_ge _); rewrite /clause_value -addrA -opprD ler_add2l ler_opp2 deviation_signs.
rewrite /width -big_split; apply: ler_sum => i _ /=; case ci: (clause c i) (wrong i) => [b|] /= bi; last first.
  by rewrite normr0 mul0r addr0.
have -> : sign b = - sign (signs x i) by move: bi; case: b {ci}; case: (signs x i); rewrite /sign ?opprK //; case.
by rewrite normrN norm_sign mulNr ler_subl_addr addrC -ler_subl_addr along.
Qed.

(* Where the inner sum is positive the signs satisfy the formula, and no clause counts. *)
Lemma positive_satisfies x : 0 < inner x -> satisfies (signs x) /\ inner x = half - deviation x.
Proof.
move=> pos; have terms0 : 0 <= \sum_c relu (clause_value c x) by apply: sumr_ge0 => c _; exact: relu_ge0.
have dev : deviation x < half.
  by rewrite -subr_gt0; apply: lt_le_trans pos _; rewrite /inner ler_subl_addr ler_addl.
have sat : satisfies (signs x).
  move=> c; case: (pickP (fun i => clause c i == Some (signs x i))) => [i /eqP ci|none]; first by exists i.
  have wrong i : clause c i <> Some (signs x i) by move/eqP; rewrite none.
  move: pos; rewrite /inner ltNge => /negP[]; rewrite subr_le0.
  apply: le_trans (_ : relu (clause_value c x) <= _); last first.
    by rewrite (bigD1 c) //= ler_addl; apply: sumr_ge0 => c' _; exact: relu_ge0.
  by apply: le_trans (false_clause wrong); rewrite ler_add2r ltW ?half1.
split=> //; rewrite /inner big1 ?subr0 // => c _; apply: true_clause (sat c) _.
by rewrite ltW // (lt_trans dev half1).
Qed.

Lemma satisfied_inner x : satisfies (signs x) -> deviation x <= 1 -> inner x = half - deviation x.
Proof. by move=> sat dev; rewrite /inner big1 ?subr0 // => c _; apply: true_clause (sat c) dev. Qed.

(* Nothing satisfies the formula: the function is 0 everywhere. *)
Theorem unsatisfiable_is_zero : (forall a, ~ satisfies a) -> forall x, formula_function x = 0.
Proof.
move=> unsat x; apply: relu_neg; rewrite leNgt; apply/negP => /positive_satisfies[sat _].
exact: (unsat _ sat).
Qed.

Lemma deviation_lipschitz x y : deviation y - deviation x <= l1 (x - y).
Proof.
rewrite -sumrB; apply: ler_sum => i _; apply: le_trans (ler_norm _) _; apply: le_trans (ler_dist_dist _ _) _.
by rewrite opprB addrA subrK distrC (le_trans (ler_dist_dist _ _)) // !mxE.
Qed.

(* Satisfiable or not, the constant for l1 is at most 1 ... *)
Theorem formula_l1 x y : `|formula_function x - formula_function y| <= l1 (x - y).
Proof.
wlog: x y / formula_function y <= formula_function x => [main|le_fyx].
  have [/main//|/ltW/main] := leP (formula_function y) (formula_function x).
  rewrite distrC => /le_trans; apply; rewrite le_eqVlt; apply/orP; left; apply/eqP.
  by apply: eq_bigr => i _; rewrite !mxE distrC.
rewrite ger0_norm ?subr_ge0 //; have [low|pos] := leP (inner x) 0.
  rewrite /formula_function (relu_neg low) sub0r (le_trans (y := 0)) ?l1_ge0 //.
  by rewrite oppr_le0 relu_ge0.
have [sat ex] := positive_satisfies pos.
rewrite {1}/formula_function (relu_pos (ltW pos)) ex.
have dev : deviation x < half by rewrite -subr_gt0 -ex.
have [/forallP same|] := boolP [forall i, signs x i == signs y i].
  have below : half - deviation y <= formula_function y.
    have [dy|dy] := leP (deviation y) 1; last first.
      by apply: le_trans (relu_ge0 _); rewrite subr_le0 ltW // (lt_trans half1).
    rewrite -satisfied_inner ?relu_ge // => c.
    by have [i ci] := sat c; exists i; rewrite ci (eqP (same i)).
  apply: le_trans (deviation_lipschitz x y).
  have split_ : half - deviation x = deviation y - deviation x + (half - deviation y) by mc_ring R.
  by rewrite ler_subl_addr split_ ler_add2l.
rewrite negb_forall => /existsP[i differ].
apply: le_trans (_ : half <= _).
  by rewrite -addrA -[X in _ <= X]addr0 ler_add2l -opprD oppr_le0 addr_ge0 ?deviation_ge0 ?relu_ge0.
apply: le_trans (_ : `|x i 0 - y i 0| <= _); last first.
  rewrite /l1 (bigD1 i) //= !mxE ler_addl; exact: sumr_ge0.
apply: le_trans (_ : `|x i 0| <= _).
  have dev_i : `| `|x i 0| - 1 | < half.
    by apply: le_lt_trans dev; rewrite /deviation (bigD1 i) //= ler_addl; exact: sumr_ge0.
  have := le_lt_trans (ler_norm _) (_ : `|1 - `|x i 0| | < half); rewrite distrC => /(_ dev_i).
  by rewrite ltr_subl_addr -halves2 ltr_add2l => /ltW.
move: differ; rewrite /signs; have [x0|x0] := ltP 0 (x i 0); have [y0|y0] := ltP 0 (y i 0) => // _.
  by rewrite (gtr0_norm x0) (le_trans _ (ler_norm _)) // ler_addl oppr_ge0.
by rewrite (ler0_norm x0) distrC (le_trans _ (ler_norm _)) // ler_addr ltW.
Qed.

(* ... and when it is satisfiable the function falls by n t on the way from a satisfying corner to t of the way to 0. *)
Lemma signs_corner a t : t <= half -> forall i, signs (corner a - t *: corner a) i = a i.
Proof.
move=> th i; rewrite /signs !mxE /sign; have t1 : 0 < 1 - t by rewrite subr_gt0 (le_lt_trans th) // half1.
case: (a i); first by rewrite mulr1.
by rewrite mulrN1 opprK addrC -[X in 0 < X]opprB oppr_gt0 ltNge ltW.
Qed.

Lemma deviation_corner a t : 0 <= t <= half -> deviation (corner a - t *: corner a) = n%:R * t.
Proof.
move=> /andP[t0 th]; rewrite deviation_signs mulr_natl -[X in _ *+ X]card_ord -sumr_const; apply: eq_bigr => i _.
rewrite (signs_corner a th) !mxE addrAC subrr add0r normrN normrM norm_sign mulr1.
exact: ger0_norm.
Qed.

Theorem satisfiable_slope a t : satisfies a -> 0 <= t -> n.+1%:R * t <= half ->
  formula_function (corner a) - formula_function (corner a - t *: corner a) = n%:R * t.
Proof.
move=> sat t0 small; have th : t <= half by apply: le_trans small; rewrite ler_pemull // ler1n.
have nt : n%:R * t <= half by apply: le_trans small; rewrite ler_wpmul2r // ler_nat.
have value s : 0 <= s <= half -> n%:R * s <= half -> formula_function (corner a - s *: corner a) = half - n%:R * s.
  move=> s01 ns; rewrite /formula_function satisfied_inner ?deviation_corner //.
  - by rewrite relu_pos // subr_ge0.
  - move=> c; have [i ci] := sat c; exists i; rewrite signs_corner //; by case/andP: s01.
  by rewrite (le_trans ns) // ltW ?half1.
have -> : formula_function (corner a) = half.
  by have := value 0; rewrite scale0r subr0 mulr0 subr0 lexx (ltW half0) => /(_ isT isT).
by rewrite value ?t0 // opprB addrC subrK.
Qed.

(* So for l1 the constant is 1, and for linf it is n: a gap that no factor bridges. *)
Theorem satisfiable_constants a L : (0 < n)%N -> satisfies a ->
  ((forall x y, `|formula_function x - formula_function y| <= L * l1 (x - y)) -> 1 <= L) /\
  ((forall x y, `|formula_function x - formula_function y| <= L * linf (x - y)) -> n%:R <= L).
Proof.
move=> n0 sat; pose t : R := half / n.+1%:R.
have t0 : 0 < t by rewrite divr_gt0 ?half0 ?ltr0n.
have nt : n.+1%:R * t <= half by rewrite mulrC divfK // pnatr_eq0.
have nR : 0 < n%:R :> R by rewrite ltr0n.
have slope := satisfiable_slope sat (ltW t0) nt.
have entry i : (corner a - (corner a - t *: corner a)) i 0 = t * sign (a i).
  by rewrite opprB addrC subrK !mxE.
have nt0 : 0 < n%:R * t by exact: mulr_gt0.
split=> lip; have := lip (corner a) (corner a - t *: corner a); rewrite slope (gtr0_norm nt0).
  have -> : l1 (corner a - (corner a - t *: corner a)) = n%:R * t.
    rewrite mulr_natl -[X in _ *+ X]card_ord -sumr_const; apply: eq_bigr => i _.
    by rewrite entry normrM norm_sign mulr1 gtr0_norm.
  by rewrite ler_pmull.
have -> : linf (corner a - (corner a - t *: corner a)) = t.
  apply/eqP; rewrite eq_le; apply/andP; split.
    by apply: linf_le => [|i]; rewrite ?(ltW t0) // entry normrM norm_sign mulr1 gtr0_norm.
  by apply: le_trans (linf_ge _ (Ordinal n0)); rewrite entry normrM norm_sign mulr1 gtr0_norm.
by rewrite ler_pmul2r.
Qed.

Theorem formula_linf x y : `|formula_function x - formula_function y| <= n%:R * linf (x - y).
Proof.
apply: le_trans (formula_l1 x y) _; rewrite mulr_natl -[X in _ *+ X]card_ord -sumr_const.
by apply: ler_sum => i _; exact: linf_ge.
Qed.

End Satisfiability.
