(* The norms that Checker.v compares. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators Terms.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section NormChecks.
Variable R : rcfType.
Add Ring Rring : (ring_laws R).
Notation val := (@value R).
Notation cv := (@cv R).
Notation mat := (@mat R).

Definition pn (p : norm) n : 'cV[R]_n -> R := match p with L1 => @l1 R n | L2 => @l2 R n | Linf => @linf R n end.

Lemma pn_is_norm p n : is_norm (@pn p n).
Proof. by case: p; [exact: l1_is_norm | exact: l2_is_norm | exact: linf_is_norm]. Qed.

Lemma pn_absolute p : absolute (@pn p).
Proof. by case: p; [exact: l1_absolute | exact: l2_absolute | exact: linf_absolute]. Qed.

Lemma pn_ge0 p n (x : 'cV[R]_n) : 0 <= pn p x.
Proof. by case: p; [exact: l1_ge0 | exact: sqrtr_ge0 | exact: linf_ge0]. Qed.

Lemma pn0 p n : pn p (0 : 'cV[R]_n) = 0.
Proof. by have := norm_scale (pn_is_norm p n) 0 0; rewrite scale0r normr0 mul0r. Qed.

Lemma pn_gt0 p n (x : 'cV[R]_n) i : x i 0 != 0 -> 0 < pn p x.
Proof.
move=> xi; have xi' : 0 < `|x i 0| by rewrite normr_gt0.
case: p => /=; last exact: lt_le_trans xi' (linf_ge x i).
  by rewrite /l1 (bigD1 i) //= ltr_paddr // sumr_ge0.
rewrite sqrtr_gt0 /sqnorm (bigD1 i) //= ltr_paddr ?lt_def ?sqrf_eq0 ?xi ?sqr_ge0 //.
by apply: sumr_ge0 => j _; rewrite sqr_ge0.
Qed.

Lemma pn_one p (y : 'cV[R]_1) : pn p y = `|y 0 0|.
Proof.
case: p => /=; first by rewrite /l1 big_ord1.
  by rewrite /l2 /sqnorm big_ord1 sqrtr_sqr.
apply/eqP; rewrite eq_le linf_ge andbT; apply: linf_le => // i; by rewrite ord1.
Qed.

Lemma sum_absP n x : (size x <= n)%N -> val (sum_abs x) = l1 (cv n x).
Proof.
rewrite /l1 => le_n; have -> : \sum_i `|cv n x i 0| = \sum_(i < n) `|val (nth zero x i)| by apply: eq_bigr => i _; rewrite mxE.
elim: x n le_n => [|a x IH] [|n] //= le_n; rewrite ?value0 ?big_ord0 //.
  by rewrite big1 // => i _; rewrite nth_nil value0 normr0.
by rewrite valueD value_abs big_ord_recl /= (IH n).
Qed.

Lemma max_absP n x : (size x <= n)%N -> val (max_abs x) = linf (cv n x).
Proof.
move=> le_n; have max0 : 0 <= val (max_abs x) by elim: x {le_n} => [|a x IH] /=; rewrite ?value0 //; case: ifP; rewrite // value_abs.
have entry i : `|val (nth zero x i)| <= val (max_abs x).
  elim: x i {le_n max0} => [|a x IH] i; first by rewrite /= nth_nil !value0 normr0.
  have le_max b c : val b <= val (if le b c then c else b) /\ val c <= val (if le b c then c else b).
    by case: ifP; rewrite (value_le R) //; move/negbT; rewrite -ltNge => /ltW.
  have [le1 le2] := le_max (abs a) (max_abs x).
  by case: i => [|i] /=; [rewrite -value_abs | exact: le_trans (IH i) le2].
apply/eqP; rewrite eq_le; apply/andP; split; last by apply: linf_le => // i; rewrite mxE.
elim: x n le_n {max0 entry} => [|a x IH] [|n] //= le_n; rewrite ?value0 ?linf_ge0 //.
case: ifP => _; last by rewrite value_abs; have := linf_ge (cv n.+1 (a :: x)) ord0; rewrite mxE.
apply: le_trans (IH n le_n) _; apply: linf_le => [|i]; first exact: linf_ge0.
by have := linf_ge (cv n.+1 (a :: x)) (lift ord0 i); rewrite !mxE.
Qed.

Lemma squareP p n x : (size x <= n)%N -> val (square p x) = pn p (cv n x) ^+ 2.
Proof.
move=> le_n; case: p => /=; rewrite ?valueM; first by rewrite (sum_absP le_n) expr2.
  rewrite /l2 sqr_sqrtr ?sqnorm_ge0 // (dotP R _ le_n).
  by apply: eq_bigr => i _; rewrite mxE expr2.
by rewrite (max_absP le_n) expr2.
Qed.

Lemma at_mostP p n x u : (size x <= n)%N -> at_most p x u -> pn p (cv n x) <= val u.
Proof.
move=> le_n /andP[]; rewrite (value_ge0 R) (value_le R) (squareP p le_n) valueM -expr2 => u0.
by rewrite ler_sqr ?nnegrE ?pn_ge0.
Qed.

(* What is tested for each pair of norms: columns, rows, or images of sign vectors. *)
Definition signs_of n (s : 'I_n -> bool) : 'cV[R]_n := \col_i (if s i then 1 else -1).
Definition tested (pq : norm * norm) m n (J : 'M[R]_(m, n)) (u : R) : Prop :=
  match pq with
  | (L1, q) => forall j, pn q (col j J) <= u
  | (p, Linf) => forall i, pn (dual p) (row i J)^T <= u
  | (L2, L2) => norm_at_most (@pn L2 n) (@pn L2 m) J u
  | (L2, L1) => forall s : 'I_m -> bool, pn L2 (J^T *m signs_of s) <= u
  | (Linf, q) => forall s : 'I_n -> bool, pn q (J *m signs_of s) <= u
  end.

Definition inner n (w y : 'cV[R]_n) : R := \sum_i w i 0 * y i 0.

Lemma inner_mul m n (J : 'M[R]_(m, n)) w v : inner w (J *m v) = inner (J^T *m w) v.
Proof.
rewrite /inner; transitivity (\sum_i \sum_j w i 0 * J i j * v j 0).
  by apply: eq_bigr => i _; rewrite mxE mulr_sumr; apply: eq_bigr => j _; rewrite mulrA.
rewrite exchange_big; apply: eq_bigr => j _; rewrite mxE mulr_suml; apply: eq_bigr => i _.
by rewrite mxE [w i 0 * _]mulrC.
Qed.

Lemma innerC n (w y : 'cV[R]_n) : inner w y = inner y w.
Proof. by apply: eq_bigr => i _; rewrite mulrC. Qed.

Lemma inner_l1 n (w y : 'cV[R]_n) : inner w y <= l1 w * linf y.
Proof.
rewrite /l1 mulr_suml; apply: ler_sum => i _; apply: le_trans (ler_norm _) _.
by rewrite normrM ler_wpmul2l ?linf_ge.
Qed.

Lemma inner_dual q n (w y : 'cV[R]_n) : inner w y <= pn (dual q) w * pn q y.
Proof.
case: q => /=; [by rewrite innerC mulrC inner_l1 | | exact: inner_l1].
rewrite /l2 -sqrtrM ?sqnorm_ge0 //; apply: le_trans (ler_norm _) _; rewrite -sqrtr_sqr ler_wsqrtr //.
exact: cauchy_schwarz.
Qed.

Lemma linf_signs n (s : 'I_n -> bool) : linf (signs_of s) <= 1.
Proof. by apply: linf_le => // i; rewrite mxE; case: (s i); rewrite ?normrN normr1. Qed.

Lemma l1_signs n (y : 'cV[R]_n) : l1 y = inner (signs_of (fun i => 0 <= y i 0)) y.
Proof.
apply: eq_bigr => i _; rewrite mxE; case: ifP => [y0|/negbT]; first by rewrite mul1r ger0_norm.
by rewrite -ltNge => y0; rewrite mulN1r ltr0_norm.
Qed.

(* A vector that shows a norm: a sign vector for l1, the vector itself for l2. *)
Lemma norming q n (y : 'cV[R]_n) : q <> Linf -> pn q y = 0 \/ exists c w, [/\ 0 < c, pn (dual q) w <= c & c * pn q y = inner w y].
Proof.
case: q => // _; first by right; exists 1, (signs_of (fun i => 0 <= y i 0)); rewrite linf_signs mul1r -l1_signs ltr01.
have [y0|y_neq0] := eqVneq (l2 y) 0; [by left | right; exists (l2 y), y; split=> //=].
  by rewrite lt_def y_neq0 sqrtr_ge0.
by rewrite /l2 -expr2 sqr_sqrtr ?sqnorm_ge0 //; apply: eq_bigr => i _; rewrite expr2.
Qed.

Lemma tested_norm pq m n (J : 'M[R]_(m, n)) u : 0 <= u -> tested pq J u -> norm_at_most (@pn pq.1 n) (@pn pq.2 m) J u.
Proof.
move=> u0; have columns q : (forall j, pn q (col j J) <= u) -> norm_at_most (@pn L1 n) (@pn q m) J u.
  move=> cols v; have -> : J *m v = \sum_j v j 0 *: col j J.
    by apply/colP=> i; rewrite mxE summxE; apply: eq_bigr => j _; rewrite !mxE mulrC.
  rewrite /= /l1 mulr_sumr; elim/big_ind2: _ => [|a b c d le1 le2|j _]; first by rewrite pn0.
    by apply: le_trans (norm_triangle (pn_is_norm q m) _ _) _; apply: ler_add.
  by rewrite (norm_scale (pn_is_norm q m)) mulrC ler_wpmul2r.
have by_rows p : (forall i, pn (dual p) (row i J)^T <= u) -> norm_at_most (@pn p n) (@pn Linf m) J u.
  move=> rows_le v; apply: linf_le => [|i]; first by rewrite mulr_ge0 ?pn_ge0.
  have entry w : (J *m w) i 0 = inner (row i J)^T w by rewrite mxE; apply: eq_bigr => j _; rewrite !mxE.
  have one_side w : (J *m w) i 0 <= u * pn p w.
    by rewrite entry; apply: le_trans (inner_dual p _ _) _; rewrite ler_wpmul2r ?pn_ge0.
  rewrite ler_norml one_side andbT -[X in _ <= X]opprK ler_oppr opprK.
  have := one_side (- v); rewrite mulmxN mxE -scaleN1r (norm_scale (pn_is_norm p n)) normrN normr1 mul1r.
  by [].
have corners_q q : q <> Linf -> (forall s : 'I_n -> bool, pn q (J *m signs_of s) <= u) -> norm_at_most (@pn Linf n) (@pn q m) J u.
  move=> q_inf corner v; have [->|[c [w [c0 wc e]]]] := norming (J *m v) q_inf; first by rewrite mulr_ge0 ?pn_ge0.
  rewrite -(ler_pmul2l c0) e inner_mul; apply: le_trans (inner_l1 _ _) _.
  rewrite mulrA ler_wpmul2r ?linf_ge0 // l1_signs innerC -inner_mul.
  by apply: le_trans (inner_dual q _ _) _; rewrite ler_pmul ?pn_ge0.
case: pq => [[] []] //=; [exact: (columns L1) | exact: (columns L2) | exact: (columns Linf) | | exact: (by_rows L2) | | | exact: (by_rows Linf)].
- move=> transposed v; rewrite l1_signs inner_mul; apply: le_trans (inner_dual L2 _ _) _.
  exact: ler_wpmul2r (pn_ge0 L2 v) _ _ (transposed _).
- by apply: (corners_q L1).
by apply: (corners_q L2).
Qed.

Lemma norm_tested pq m n (J : 'M[R]_(m, n)) u : 0 <= u -> norm_at_most (@pn pq.1 n) (@pn pq.2 m) J u -> tested pq J u.
Proof.
move=> u0 bound.
have by_rows p : p <> L1 -> norm_at_most (@pn p n) (@pn Linf m) J u -> forall i, pn (dual p) (row i J)^T <= u.
  move=> p1 le_u i; have [] := @norming (dual p) n (row i J)^T; [by case: p p1 {le_u} | by move->|].
  move=> [c [w [c0 wc e]]]; rewrite -(ler_pmul2l c0) e mulrC.
  have entry : (J *m w) i 0 = inner (row i J)^T w by rewrite mxE; apply: eq_bigr => j _; rewrite !mxE.
  have wc' : pn p w <= c by move: wc; case: p {p1 le_u e}.
  have le_c : (J *m w) i 0 <= u * c.
    apply: le_trans (ler_norm _) _; apply: le_trans (linf_ge _ i) _; apply: le_trans (le_u w) _.
    by rewrite ler_wpmul2l.
  by move: le_c; rewrite entry innerC.
have corner q (s : 'I_n -> bool) : norm_at_most (@pn Linf n) (@pn q m) J u -> pn q (J *m signs_of s) <= u.
  by move=> le_u; apply: le_trans (le_u _) _; rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?linf_signs.
have column q j : norm_at_most (@pn L1 n) (@pn q m) J u -> pn q (col j J) <= u.
  move=> /(_ (delta_mx j 0)); rewrite -colE /= /l1 (bigD1 j) //= mxE !eqxx normr1 big1 ?addr0 ?mulr1 // => i ij.
  by rewrite mxE (negbTE ij) normr0.
case: pq bound => [[] []] //= bound.
- by move=> j; apply: (column L1).
- by move=> j; apply: (column L2).
- by move=> j; apply: (column Linf).
- move=> s; have [] := @norming L2 n (J^T *m signs_of s) => //; first by move=> /= ->.
  move=> [c [w [c0 wc e]]]; rewrite -(ler_pmul2l c0) e innerC -inner_mul.
  apply: le_trans (inner_dual L1 _ _) _; apply: le_trans (_ : 1 * (u * c) <= _).
    apply: ler_pmul; rewrite ?pn_ge0 ?linf_signs //; apply: le_trans (bound w) _; exact: ler_wpmul2l.
  by rewrite mul1r mulrC.
- by move=> i; apply: (by_rows L2).
- by move=> s; apply: (corner L1).
- by move=> s; apply: (corner L2).
by move=> i; apply: (by_rows Linf).
Qed.

(* With one output all norms behind agree, with one input all norms before. *)
Lemma pair_of_norm m n p q (J : 'M[R]_(m, n)) u (pq := pair_of m n p q) :
  norm_at_most (@pn pq.1 n) (@pn pq.2 m) J u <-> norm_at_most (@pn p n) (@pn q m) J u.
Proof.
have before (v : 'cV[R]_n) : pn (if n == 1%N then L1 else p) v = pn p v.
  by case: eqP => // n1; move: v; rewrite n1 => v; rewrite !pn_one.
have behind (v : 'cV[R]_m) : pn (if m == 1%N then Linf else q) v = pn q v.
  by case: eqP => // m1; move: v; rewrite m1 => v; rewrite !pn_one.
by split=> bound v; have := bound v; rewrite before behind.
Qed.

(* Quadratic forms on lists. *)
Fixpoint dotR (r : vec) (x : seq R) : R := match r, x with a :: r', b :: x' => val a * b + dotR r' x' | _, _ => 0 end.
Fixpoint formR (Z : form) (x : seq R) : R :=
  match Z, x with (d, r) :: Z', a :: x' => val d * a ^+ 2 + (a * dotR r x') *+ 2 + formR Z' x' | _, _ => 0 end.

Lemma dotR_vadd r t x : dotR (vadd r t) x = dotR r x + dotR t x.
Proof.
elim: x r t => [|c x IH] [|a r] [|b t] //=; rewrite ?add0r ?addr0 // IH valueD; mc_ring R.
Qed.

Lemma dotR_vscale c r x : dotR (vscale c r) x = val c * dotR r x.
Proof. by elim: r x => [|a r IH] [|b x] //=; rewrite ?mulr0 // IH valueM mulrDr mulrA. Qed.

Lemma downdateP c r Z x : size x = size Z -> formR (downdate c r Z) x = formR Z x - val c * dotR r x ^+ 2.
Proof.
elim: r Z x => [|a r IH] [|[d t] Z] [|b x] //=; rewrite ?expr0n ?mulr0 ?subr0 // => -[size_x].
have IH' := IH Z x size_x; case: ifP => [|_] /=.
  rewrite (value_is0 R) => /eqP a0; rewrite IH' a0; mc_ring R.
rewrite IH' valueD !valueM !valueN !valueM dotR_vadd dotR_vscale valueN valueM; mc_ring R.
Qed.

Lemma size_downdate c r Z : size (downdate c r Z) = size Z.
Proof. by elim: r Z => [|a r IH] [|[d t] Z] //=; case: ifP => _ /=; rewrite IH. Qed.

Lemma dotR_zero r x : all is0 r -> dotR r x = 0.
Proof.
elim: r x => [|a r IH] [|b x] //= /andP[a0 /IH->]; move: a0; rewrite (value_is0 R) => /eqP->.
by rewrite mul0r addr0.
Qed.

Lemma semidefinite_inP fuel Z x : semidefinite_in fuel Z -> size x = size Z -> 0 <= formR Z x.
Proof.
elim: fuel Z x => // fuel IH [|[d r] Z] [|a x] //= + [size_x]; case: ifP => [d0 /andP[r0 /IH psd]|_ /andP[d0 /IH psd]].
  by move: d0; rewrite (value_is0 R) => /eqP->; rewrite (dotR_zero _ r0) mul0r mulr0 mul0rn !add0r; apply: psd.
have d0' : 0 < val d by rewrite -value_gt0.
have := psd x; rewrite size_downdate downdateP // valueV => /(_ size_x) rest.
have -> : val d * a ^+ 2 + (a * dotR r x) *+ 2 + formR Z x =
    val d * (a + (val d)^-1 * dotR r x) ^+ 2 + (formR Z x - (val d)^-1 * dotR r x ^+ 2).
  have one : val d * (val d)^-1 = 1 by rewrite divff ?gt_eqF.
  rewrite sqrrD mulrDr mulrDr; set e := dotR r x; set k := (val d)^-1 in one *; set f := formR Z x.
  have -> : val d * ((a * (k * e)) *+ 2) = (val d * k) * ((a * e) *+ 2) by mc_ring R.
  have -> : val d * (k * e) ^+ 2 = (val d * k) * (k * e ^+ 2) by mc_ring R.
  by rewrite one; mc_ring R.
by rewrite addr_ge0 // mulr_ge0 ?sqr_ge0 // ltW.
Qed.

Definition entries n (v : 'cV[R]_n) : seq R := [seq v i 0 | i <- enum 'I_n].

Lemma size_entries n (v : 'cV[R]_n) : size (entries v) = n.
Proof. by rewrite size_map size_enum_ord. Qed.

Lemma nth_entries n (v : 'cV[R]_n) (i : 'I_n) : nth 0 (entries v) i = v i 0.
Proof. by rewrite (nth_map i) ?size_enum_ord // nth_ord_enum. Qed.

Lemma dotR_sum r x : dotR r x = \sum_(i < size x) val (nth zero r i) * nth 0 x i.
Proof.
elim: x r => [|b x IH] [|a r] /=; rewrite ?big_ord0 //.
  by rewrite big1 // => i _; rewrite nth_nil value0 mul0r.
by rewrite big_ord_recl IH.
Qed.

Lemma dotR_entries n r (v : 'cV[R]_n) : dotR r (entries v) = (rv R n r *m v) 0 0.
Proof.
rewrite dotR_sum size_entries mxE; apply: eq_bigr => i _; by rewrite nth_entries !mxE.
Qed.

Lemma diagonalP d n x : size x = n -> formR (diagonal d n) x = val d * \sum_(i < n) nth 0 x i ^+ 2.
Proof.
move=> <-; elim: x => [|a x IH] /=; first by rewrite big_ord0 mulr0.
by rewrite big_ord_recl mulrDr -/(diagonal d (size x)) IH; case: x {IH} => *; rewrite /= mulr0 mul0rn addr0.
Qed.

Lemma sum_entries n (v : 'cV[R]_n) : \sum_(i < n) nth 0 (entries v) i ^+ 2 = sqnorm v.
Proof. by apply: eq_bigr => i _; rewrite nth_entries. Qed.

Lemma size_gap J u n : size (gap J u n) = n.
Proof. by elim: J => [|r J IH] /=; rewrite ?size_nseq ?size_downdate. Qed.

Lemma gapP J u n (v : 'cV[R]_n) : formR (gap J u n) (entries v) = val u ^+ 2 * sqnorm v - \sum_(r <- J) (rv R n r *m v) 0 0 ^+ 2.
Proof.
elim: J => [|r J IH] /=.
  by rewrite big_nil subr0 diagonalP ?size_entries // valueM expr2 sum_entries.
rewrite big_cons downdateP ?size_entries ?size_gap // IH value1 mul1r dotR_entries.
have -> : rv R n (take n r) = rv R n r by apply/rowP=> j; rewrite !mxE nth_take.
by rewrite opprD addrA addrAC.
Qed.

Lemma mat_rows m n J (v : 'cV[R]_n) : size J = m -> \sum_(r <- J) (rv R n r *m v) 0 0 ^+ 2 = sqnorm (mat m n J *m v).
Proof.
move=> size_J; rewrite (big_nth [::]) size_J big_mkord; apply: eq_bigr => i _; congr (_ ^+ 2).
by rewrite !mxE; apply: eq_bigr => j _; rewrite !mxE.
Qed.

Lemma corner_all (P : vec -> bool) n (s : 'I_n -> bool) : all P (corners n) -> exists c, [/\ P c, size c = n & cv n c = signs_of s].
Proof.
have one_of k (t : seq bool) (P' : vec -> bool) : size t = k -> all P' (corners k) -> P' [seq if b then one else opp one | b <- t].
  elim: k t P' => [|k IH] [|b t] //= P'; first by move=> _ /andP[].
  move=> [size_t]; rewrite all_cat !all_map => /andP[left right]; case: b.
    exact: (IH t (fun v => P' (one :: v))).
  exact: (IH t (fun v => P' (opp one :: v))).
move=> all_P; exists [seq if b then one else opp one | b <- [seq s i | i <- enum 'I_n]]; split.
- by apply: (one_of n) => //; rewrite size_map size_enum_ord.
- by rewrite 2!size_map size_enum_ord.
apply/colP=> i; rewrite !mxE -map_comp (nth_map i) ?size_enum_ord // nth_ord_enum /=.
by case: (s i); rewrite ?valueN value1.
Qed.
End NormChecks.
