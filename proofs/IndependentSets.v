(* Independent set -> Lipschitz constant. In words: independent_set.md, section "Checked by a machine". *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Regions Norms Cliques MaxCut Satisfiability.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section IndependentSets.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).

Variables (n : nat) (adj : rel 'I_n) (degree : nat) (delta : R).
Hypotheses (adj_sym : symmetric adj) (adj_irr : irreflexive adj).
Hypothesis degree_max : forall v, (#|[pred u | adj v u]| <= degree)%N.
Hypotheses (delta0 : 0 < delta) (delta_small : n%:R * (delta * (1 + degree%:R)) <= half R).

Definition independent (S : {set 'I_n}) : Prop := forall u v, u \in S -> v \in S -> ~~ adj u v.

Definition pull v (x : 'cV[R]_n) : R := delta * (x v 0 - \sum_(u | adj v u) relu (x u 0)).
Definition bracket (z t : R) : R := relu z - relu (z - relu t).
Definition set_function (x : 'cV[R]_n) (t : R) : R := \sum_v bracket (pull v x) t.

Lemma relu_lipschitz (a b : R) : `|relu a - relu b| <= `|a - b|.
Proof.
have [t [/andP[t0 t1] ->]] := relu_secant a b; rewrite normrM ger0_norm //.
by rewrite ler_pimull.
Qed.

Lemma bracket_neg z t : z <= 0 -> bracket z t = 0.
Proof.
move=> z0; rewrite /bracket (relu_neg z0) relu_neg ?subr0 //.
by rewrite subr_le0 (le_trans z0) // relu_ge0.
Qed.

Lemma bracket_time z t s : `|bracket z t - bracket z s| <= (0 < z)%R%:R * `|t - s|.
Proof.
have [z0|z0] := ltP 0 z; last by rewrite !bracket_neg // subrr normr0 mul0r.
have split_ (p q r : R) : p - q - (p - r) = r - q by mc_ring R.
rewrite mul1r /bracket split_; apply: le_trans (relu_lipschitz _ _) _.
have -> : z - relu s - (z - relu t) = relu t - relu s by mc_ring R.
exact: relu_lipschitz.
Qed.

Lemma bracket_space z y t : `|bracket z t - bracket y t| <= `|z - y|.
Proof.
wlog: z y / y <= z => [main|yz].
  by have [/main//|/ltW/main] := leP y z; rewrite distrC [X in _ <= X]distrC.
have T0 := relu_ge0 t; rewrite /bracket; move: (relu t) T0 => T T0.
have [p [/andP[p0 p1] ep]] := relu_secant z y; have [q [/andP[q0 q1] eq]] := relu_secant (z - T) (y - T).
have zy : 0 <= z - y by rewrite subr_ge0.
have -> : relu z - relu (z - T) - (relu y - relu (y - T)) = p * (z - y) - q * (z - y).
  have -> : q * (z - y) = q * (z - T - (y - T)) by mc_ring R.
  by rewrite -ep -eq; mc_ring R.
rewrite -mulrBl normrM (ger0_norm zy) ler_pimull // ler_norml ler_subr_addr ler_subl_addr.
by rewrite (le_trans _ p0) ?(le_trans p1) ?ler_addl // addrC subr_le0.
Qed.

(* Vertices with a positive pull are independent. *)
Lemma positive_independent x : independent [set v | 0 < pull v x].
Proof.
move=> u v; rewrite !inE /pull !pmulr_rgt0 // !subr_gt0 => xu xv; apply/negP => uv.
have above w w' : adj w w' -> x w' 0 <= \sum_(r | adj w r) relu (x r 0).
  move=> ww'; rewrite (bigD1 w') //=; apply: le_trans (relu_ge _) _; rewrite ler_addl; apply: sumr_ge0 => r _.
  exact: relu_ge0.
have := lt_le_trans (le_lt_trans (above _ _ uv) xu) (above _ _ (_ : adj v u)).
by rewrite adj_sym => /(_ uv); rewrite ltNge (ltW xv).
Qed.

Lemma pull_change v x y : `|pull v x - pull v y| <=
  delta * (`|x v 0 - y v 0| + \sum_(u | adj v u) `|x u 0 - y u 0|).
Proof.
rewrite /pull -mulrBr normrM (gtr0_norm delta0) ler_wpmul2l ?(ltW delta0) //.
have -> : x v 0 - \sum_(u | adj v u) relu (x u 0) - (y v 0 - \sum_(u | adj v u) relu (y u 0)) =
    (x v 0 - y v 0) - \sum_(u | adj v u) (relu (x u 0) - relu (y u 0)) by rewrite sumrB; mc_ring R.
apply: le_trans (ler_norm_sub _ _) _; rewrite ler_add2l; apply: le_trans (ler_norm_sum _ _ _) _.
by apply: ler_sum => u _; exact: relu_lipschitz.
Qed.

Lemma degree_sum v (c : R) : 0 <= c -> c + \sum_(u | adj v u) c <= (1 + degree%:R) * c.
Proof.
move=> c0; rewrite mulrDl mul1r ler_add2l sumr_const -[c *+ _]mulr_natl ler_wpmul2r // ler_nat.
exact: degree_max.
Qed.

Lemma space_l1 x y t : `|set_function x t - set_function y t| <= delta * (1 + degree%:R) * l1 (x - y).
Proof.
rewrite /set_function -sumrB; apply: le_trans (ler_norm_sum _ _ _) _.
apply: le_trans (_ : \sum_v delta * (`|x v 0 - y v 0| + \sum_(u | adj v u) `|x u 0 - y u 0|) <= _).
  by apply: ler_sum => v _; apply: le_trans (bracket_space _ _ _) (pull_change _ _ _).
rewrite -mulr_sumr -mulrA ler_wpmul2l ?(ltW delta0) // big_split /= (exchange_big_dep predT) //= -big_split /=.
rewrite /l1 mulr_sumr; apply: ler_sum => u _; rewrite !mxE (eq_bigl (adj u)) => [|v]; last exact: adj_sym.
exact: degree_sum.
Qed.

Lemma space_linf x y t : `|set_function x t - set_function y t| <= half R * linf (x - y).
Proof.
rewrite /set_function -sumrB; apply: le_trans (ler_norm_sum _ _ _) _.
apply: le_trans (_ : \sum_(v < n) (delta * (1 + degree%:R)) * linf (x - y) <= _); last first.
  by rewrite sumr_const card_ord -[X in X <= _]mulr_natl mulrA ler_wpmul2r ?linf_ge0.
apply: ler_sum => v _; apply: le_trans (bracket_space _ _ _) _; apply: le_trans (pull_change _ _ _) _.
rewrite -mulrA ler_wpmul2l ?(ltW delta0) //; apply: le_trans (degree_sum v (linf_ge0 _)); apply: ler_add.
  by have := linf_ge (x - y) v; rewrite !mxE.
by apply: ler_sum => u _; have := linf_ge (x - y) u; rewrite !mxE.
Qed.

Lemma time_change (alpha : nat) x t s : (forall S, independent S -> (#|S| <= alpha)%N) ->
  `|set_function x t - set_function x s| <= alpha%:R * `|t - s|.
Proof.
move=> largest; rewrite /set_function -sumrB; apply: le_trans (ler_norm_sum _ _ _) _.
apply: le_trans (ler_sum _ (fun v _ => bracket_time (pull v x) t s)) _.
rewrite -mulr_suml ler_wpmul2r // -natr_sum ler_nat.
have := largest _ (@positive_independent x); apply: leq_trans.
rewrite -sum1_card [X in (_ <= X)%N]big_mkcond /=; apply: leq_sum => v _; rewrite inE.
by case: (0 < pull v x).
Qed.

(* The largest independent set bounds the constant for l1, and with one half more the one for linf ... *)
Theorem independent_set_l1 alpha x y t s : (0 < n)%N -> (0 < alpha)%N ->
  (forall S, independent S -> (#|S| <= alpha)%N) ->
  `|set_function x t - set_function y s| <= alpha%:R * (l1 (x - y) + `|t - s|).
Proof.
move=> n0 a0 largest; have -> : set_function x t - set_function y s =
  (set_function x t - set_function y t) + (set_function y t - set_function y s) by rewrite addrA subrK.
apply: le_trans (ler_norm_add _ _) _; rewrite mulrDr; apply: ler_add; last exact: time_change.
apply: le_trans (space_l1 _ _ _) _; rewrite ler_wpmul2r ?l1_ge0 //.
apply: le_trans (_ : half R <= _); last by rewrite (le_trans (ltW (half1 R))) // ler1n.
apply: le_trans delta_small; rewrite ler_pemull ?ler1n // mulr_ge0 ?(ltW delta0) // addr_ge0 ?ler01 ?ler0n //.
Qed.

Theorem independent_set_linf alpha x y t s :
  (forall S, independent S -> (#|S| <= alpha)%N) ->
  `|set_function x t - set_function y s| <= (alpha%:R + half R) * Num.max (linf (x - y)) `|t - s|.
Proof.
move=> largest; have -> : set_function x t - set_function y s =
  (set_function x t - set_function y t) + (set_function y t - set_function y s) by rewrite addrA subrK.
apply: le_trans (ler_norm_add _ _) _; rewrite mulrDl addrC; apply: ler_add.
  by apply: le_trans (time_change _ _ _ largest) _; rewrite ler_wpmul2l ?ler0n // le_maxr lexx orbT.
by apply: le_trans (space_linf _ _ _) _; rewrite ler_wpmul2l ?(ltW (half0 R)) // le_maxr lexx.
Qed.

(* ... and every independent set is counted by the derivative in t somewhere. *)
Theorem independent_set_slope (S : {set 'I_n}) : independent S ->
  exists x, forall t, 0 <= t <= delta -> set_function x t = #|S|%:R * t.
Proof.
move=> ind; exists (\col_v (if v \in S then 1 else -1)) => t /andP[t0 td].
rewrite mulr_natl -sumr_const [RHS]big_mkcond /=; apply: eq_bigr => v _; rewrite /pull !mxE.
case: ifP => vS; last first.
  apply: bracket_neg; rewrite pmulr_rle0 // subr_le0 (le_trans (y := 0)) ?oppr_le0 ?ler01 //.
  by apply: sumr_ge0 => u _; exact: relu_ge0.
rewrite big1 => [|u vu]; last first.
  rewrite mxE; case: ifP => uS; last by rewrite relu_neg // oppr_le0 ler01.
  by have := ind _ _ vS uS; rewrite vu.
by rewrite subr0 mulr1 /bracket (relu_pos (ltW delta0)) (relu_pos t0) relu_pos ?subr_ge0 // opprB addrC subrK.
Qed.

Corollary independent_set_lower (S : {set 'I_n}) L : independent S ->
  (forall x t s, `|set_function x t - set_function x s| <= L * `|t - s|) -> #|S|%:R <= L.
Proof.
move=> ind lip; have [x slope] := independent_set_slope ind.
have := lip x delta 0; rewrite !slope ?lexx ?(ltW delta0) // mulr0 !subr0 (gtr0_norm delta0) normrM normr_nat.
by rewrite (gtr0_norm delta0) ler_pmul2r.
Qed.

End IndependentSets.
