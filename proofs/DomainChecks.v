(* The domains and rule REFUTE of Checker.v. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators Terms.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Domains.
Variables (R : rcfType) (n : nat).
Add Ring Rring : (ring_laws R).
Notation val := (@value R).
Notation cv := (@cv R).
Notation rv := (@rv R).

Definition facet_rows (X : domain) : seq (row_of R n) := [seq Row (rv n f.1) (val f.2) true | f <- facets n X].

(* The domain that a term stands for: closed where it has facets, open where it is a ball. *)
Definition in_domain (X : domain) (x : 'cV[R]_n) : Prop :=
  if X is Ball c r then sqnorm (x - cv n c) < val r ^+ 2 else all_hold (facet_rows X) x.

Lemma facets_hold X x : in_domain X x -> all_hold (facet_rows X) x.
Proof. by case: X. Qed.

Lemma all_hold_convex (rs : seq (row_of R n)) : convex (fun x => all_hold rs x).
Proof.
elim: rs => [|r rs IH] // x y t /= [rx rsx] [ry rsy] t01; split; last exact: IH.
by have [] := @half_space_convex _ _ (@everywhere R n) (side r) (normal r) (constant r) (@everywhere_convex R n) x y t
  (conj I rx) (conj I ry) t01.
Qed.

Lemma domain_convex X : convex (in_domain X).
Proof.
case: X => [fs|lo up|c r]; [exact: all_hold_convex | exact: all_hold_convex |].
move=> x y t /= x_in y_in /andP[t0 t1]; move: (cv n c) => p in x_in y_in *.
apply: le_lt_trans (_ : (1 - t) * sqnorm (x - p) + t * sqnorm (y - p) < _).
  rewrite /sqnorm !mulr_sumr -big_split /=; apply: ler_sum => i _; rewrite !mxE -subr_ge0.
  set a := x i 0; set b := y i 0; set q := p i 0.
  have -> : (1 - t) * (a - q) ^+ 2 + t * (b - q) ^+ 2 - (a + t * (b - a) - q) ^+ 2 = t * (1 - t) * (b - a) ^+ 2 by mc_ring R.
  by apply: mulr_ge0 (sqr_ge0 _); rewrite mulr_ge0 ?subr_ge0.
have [->|t_neq1] := eqVneq t 1; first by rewrite subrr mul0r add0r mul1r.
have t1' : 0 < 1 - t by rewrite subr_gt0 lt_neqAle t_neq1.
have -> : val r ^+ 2 = (1 - t) * val r ^+ 2 + t * val r ^+ 2 by rewrite -mulrDl subrK mul1r.
by apply: ltr_le_add; [rewrite ltr_pmul2l | rewrite ler_wpmul2l // ltW].
Qed.

Lemma val_rowat (f : linrow) x : (size x <= n)%N -> val (rowat f x) = (rv n f.1 *m cv n x) 0 0 + val f.2.
Proof.
move=> le_n; rewrite /rowat valueD (dotP R _ le_n) mxE; congr (_ + _).
by apply: eq_bigr => j _; rewrite !mxE.
Qed.

Lemma cv_difference x c : cv n (vadd x (vscale (opp one) c)) = cv n x - cv n c.
Proof. by apply/colP=> i; rewrite !mxE nth_vadd nth_vscale valueN value1 mulN1r. Qed.

Lemma size_vadd x y : size (vadd x y) = maxn (size x) (size y).
Proof. by elim: x y => [|a x IH] [|b y] //=; rewrite ?maxn0 ?max0n // IH maxnSS. Qed.

Lemma dot_square d : (size d <= n)%N -> val (dot d d) = sqnorm (cv n d).
Proof. by move=> le_n; rewrite (dotP R _ le_n); apply: eq_bigr => j _; rewrite mxE expr2. Qed.

Lemma ball_full (p : 'cV[R]_n) r : 0 < r -> full_dimensional (fun x => sqnorm (x - p) < r ^+ 2).
Proof.
move=> r0; have n1 : 0 < n.+1%:R :> R by rewrite ltr0n.
exists p, (r / n.+1%:R); split; first by rewrite divr_gt0.
move=> w near; apply: le_lt_trans (_ : \sum_(i < n) (r / n.+1%:R) ^+ 2 < _).
  apply: ler_sum => i _; rewrite -[X in X <= _]real_normK ?num_real // ler_expn2r ?nnegrE ?normr_ge0 //.
    by rewrite divr_ge0 ?ltW.
  by rewrite !mxE ltW ?near.
rewrite sumr_const card_ord -[X in X < _]mulr_natr expr_div_n -mulrA -[X in _ < X]mulr1 ltr_pmul2l ?exprn_gt0 //.
rewrite mulrC ltr_pdivr_mulr ?exprn_gt0 // mul1r -natrX ltr_nat expnS expn1.
exact: leq_pmulr.
Qed.

Lemma inside_domain X x : inside n X x -> in_domain X (cv n x) /\ full_dimensional (in_domain X).
Proof.
have rows_case fs : (size x == n) && all (fun f => gt0 (rowat f x) || flat n f.1 && is0 f.2) fs ->
    let rs := [seq Row (rv n f.1) (val f.2) true | f <- fs] in
    all_hold rs (cv n x) /\ full_dimensional (fun w : 'cV[R]_n => all_hold rs w).
  move=> /andP[/eqP size_x strict] rs; suff wit : witnesses rs (cv n x).
    split.
      move: wit; rewrite /rs {rs}; elim: fs strict => [|f fs IH] //= /andP[_ /IH tail] [ok /tail]; split=> //.
      by case: ok => [[]//|]; rewrite /holds /on_side /sign /= mul1r => /ltW.
    have [z [rad [rad0 near]]] := witness_full (@everywhere_convex R n) (@everywhere_full R n) I wit.
    by exists z, rad; split=> // w /near[].
  rewrite /rs; elim: fs strict {rs} => //= f fs IH /andP[ok /IH tail]; split=> //.
  have ev : val (rowat f x) = (rv n f.1 *m cv n x) 0 0 + val f.2 by rewrite val_rowat // size_x.
  case/orP: ok => [|/andP[/flatP flat_f]]; first by rewrite (value_gt0 R) ev => pos; right; rewrite /sign /= mul1r.
  rewrite (value_is0 R) => /eqP f0; left; split; first exact: flat_f.
  by rewrite /holds /on_side /= flat_f mul0mx mxE f0 addr0.
case: X => [fs|lo up|c r]; [exact: rows_case | exact: rows_case |].
rewrite /inside => /andP[/eqP size_x /andP[/andP[r0 near] /eqP size_c]].
have r0' : 0 < val r by rewrite -value_gt0.
split; last exact: ball_full.
move: near; rewrite (value_le R) -ltNge valueM dot_square; last by rewrite size_vadd size_map size_x size_c maxnn.
by rewrite cv_difference -expr2.
Qed.

Lemma seen_open_full X : seen_open n X -> full_dimensional (in_domain X).
Proof. by case/andP => _ /inside_domain[]. Qed.

Lemma rv_take t : rv n (take n t) = rv n t.
Proof. by apply/rowP=> j; rewrite !mxE nth_take. Qed.

Lemma nowhere_positiveP X (t : linrow) : nowhere_positive n X t ->
  forall x, in_domain X x -> (rv n t.1 *m x) 0 0 + val t.2 <= 0.
Proof.
have const_case : flat n t.1 && ge0 (opp t.2) -> forall x : 'cV[R]_n, (rv n t.1 *m x) 0 0 + val t.2 <= 0.
  move=> /andP[/flatP-> c0] x; rewrite mul0mx mxE add0r.
  by move: c0; rewrite (value_ge0 R) valueN oppr_ge0.
case: X => [fs|lo up|c r] /=; [by move=> /const_case all_x x _ | by move=> /const_case all_x x _ |].
move=> /andP[/andP[h0 h_le] /eqP size_c] x x_in.
have le_n : (size c <= n)%N by rewrite size_c.
have size_take_n : (size (take n t.1) <= n)%N by rewrite size_take; case: ifP => // /negbT; rewrite -leqNgt.
set h := add _ _ in h0 h_le.
have eh : val h = (rv n t.1 *m cv n c) 0 0 + val t.2.
  rewrite valueD (dotP R _ le_n) mxE; congr (_ + _); apply: eq_bigr => j _.
  by rewrite -[in RHS]rv_take !mxE.
have h_neg : val h <= 0 by move: h0; rewrite (value_ge0 R) valueN oppr_ge0.
set d := x - cv n c in x_in; set a := rv n t.1.
have -> : (a *m x) 0 0 + val t.2 = (a *m d) 0 0 + val h.
  rewrite eh -/a /d mulmxBr; set y := a *m x; set z := a *m _.
  have -> : (y - z) 0 0 = y 0 0 - z 0 0 by rewrite !mxE.
  by rewrite addrA subrK.
have -> : (a *m d) 0 0 = \sum_j a 0 j * d j 0 by rewrite mxE.
set ad := \sum_j _; have aa : val (dot (take n t.1) (take n t.1)) = \sum_j a 0 j ^+ 2.
  rewrite dot_square // /sqnorm; apply: eq_bigr => j _; rewrite /a -rv_take !mxE.
  by [].
have bound : ad ^+ 2 <= val h ^+ 2.
  apply: le_trans (cauchy_schwarz _ _) _; move: h_le; rewrite (value_le R) !valueM aa -!expr2; apply: le_trans.
  rewrite [X in X <= _]mulrC; apply: ler_wpmul2r; first by apply: sumr_ge0 => j _; rewrite sqr_ge0.
  exact: ltW.
have := ler_norm ad; have : `|ad| <= `|val h| by rewrite -ler_sqr ?nnegrE // !real_normK ?num_real.
rewrite (ler0_norm h_neg) => le1 le2; have := le_trans le2 le1.
by rewrite -ler_subr_addr sub0r.
Qed.

Section Refutes.
Variables (m : nat) (N : network) (X : domain).
Notation usable := (usable (facet_rows X)).
Notation row_at f b := (Row (rv n f.1) (val f.2) b).

Lemma member_map_nth (f : linrow -> row_of R n) fs i : (i < size fs)%N -> member (f (nth row0 fs i)) [seq f x | x <- fs].
Proof. by elim: fs i => //= g fs IH [|i] lt_i /=; [left | right; apply: IH]. Qed.

(* Known forms are rows of the pattern. *)
Definition knows (s : pattern (sem R m n N)) (known : seq linrow) : Prop :=
  forall i, (i < size known)%N -> member (row_at (nth row0 known i) (nth false (sides s) i)) (rows s 1%:M 0).

Lemma signedP (s : pattern (sem R m n N)) nd known j r : agrees s nd -> knows s known -> signed n N X nd known j = Some r ->
  exists q, [/\ member q (usable s), rv n r.1 = sign q *: normal q & val r.2 = sign q * constant q].
Proof.
move=> fit known_rows; case: j => [i|i] /=; last first.
  case: ifP => // lt_i [<-]; exists (row_at (nth row0 (facets n X) i) true); split; last by rewrite /sign mul1r.
    by apply/member_cat; right; apply: (member_map_nth (fun f => row_at f true)).
  by rewrite /sign scale1r.
case: ifP => // /andP[lt_i lin]; case side_i: (nth None nd i) => [b|] // [<-].
have lt_l : (i < size (linears N))%N.
  by rewrite ltnNge; apply: contra lin => /(nth_default true)->.
have := proj1 (agrees_flat s nd) fit i lt_l; rewrite side_i (negbTE lin) /= => /eqP e.
exists (row_at (nth row0 known i) (nth false (sides s) i)); split; first by apply/member_cat; left; exact: known_rows.
  by rewrite e /sign; case: b {e side_i}; rewrite /= ?scale1r //; apply/rowP=> l; rewrite !mxE nth_vscale valueN value1.
by rewrite e /sign; case: b {e side_i}; rewrite /= ?mul1r // valueM valueN value1.
Qed.

Lemma totalP (s : pattern (sem R m n N)) nd known M t : agrees s nd -> knows s known -> total n N X nd known M = Some t ->
  exists l, [/\ legal (usable s) l, size l = size M, weighted l = rv n t.1 & weighted_constant l = val t.2].
Proof.
move=> fit known_rows; elim: M t => [|[j c] M IH] t /=.
  move=> [<-]; exists [::]; split=> //; rewrite /weighted /weighted_constant big_nil ?value0 //.
  by apply/rowP=> j; rewrite !mxE nth_nil value0.
case e: (signed n N X nd known j) => [r|] //; case: (total n N X nd known M) IH => [t'|] // IH.
case: (@flatP R) => // nonconst [<-]; have [l [leg size_l w wc]] := IH _ erefl.
have [q [q_in en ec]] := signedP fit known_rows e.
have c0 : 0 < PR R c by exact: PR_gt0.
have ev : val (Num (Zpos c) 1) = PR R c by rewrite /value /= /PR divr1.
exists ((PR R c, q) :: l); split.
- by split=> // q0; apply: nonconst; rewrite en q0 scaler0.
- by rewrite /= size_l.
- rewrite /weighted big_cons -/(weighted l) w /= -scalerA -en; apply/rowP=> i.
  by rewrite !mxE nth_vadd nth_vscale ev.
by rewrite /weighted_constant big_cons -/(weighted_constant l) wc /= -mulrA -ec valueD valueM ev.
Qed.

Lemma refuteP (s : pattern (sem R m n N)) nd known M : agrees s nd -> knows s known -> refute n N X nd known M ->
  exists l, refutes (in_domain X) (usable s) l.
Proof.
move=> fit known_rows /andP[some]; case e: total => [t|] // neg.
have [l [leg size_l w wc]] := totalP fit known_rows e.
exists l; split=> // [l0|x x_in]; first by move: some; rewrite /nilp -size_l l0.
by rewrite w wc; apply: nowhere_positiveP neg x x_in.
Qed.
End Refutes.
End Domains.
